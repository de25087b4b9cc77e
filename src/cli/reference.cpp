// SPDX-License-Identifier: Apache-2.0
#include "cli/reference.h"

#include <fmt/format.h>

namespace wattle::cli {
namespace {

// CLI11 appends what a validator allows to the name of the type: "TYPE:{f16,f32}".
std::vector<std::string> choices_in(std::string_view type) {
  std::vector<std::string> choices;
  const size_t open = type.find(":{");
  if (open == std::string_view::npos || !type.ends_with('}')) return choices;
  std::string_view rest = type.substr(open + 2, type.size() - open - 3);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    choices.emplace_back(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return choices;
}

FlagReference describe_flag(const CLI::Option& option) {
  FlagReference flag;
  flag.positional = option.get_positional();
  for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  if (flag.positional) flag.names = {option.get_name(true)};
  const std::string type = option.get_type_name();
  if (option.get_items_expected_max() != 0) flag.value = type.substr(0, type.find(':'));
  flag.choices = choices_in(type);
  flag.meaning = option.get_description();
  flag.group = option.get_group();
  flag.required = option.get_required();
  flag.repeatable = option.get_items_expected_max() > 1;
  return flag;
}

CommandReference describe_command(const CLI::App& app) {
  CommandReference command;
  command.summary = app.get_description();
  command.notes = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) command.flags.push_back(describe_flag(*option));
  }
  return command;
}

}  // namespace

bool FlagReference::takes_file() const {
  return value.starts_with("FILE") || value == "MODEL" || value == "FOLDER" ||
         (positional && names.front() == "MODEL");
}

std::string CommandReference::usage() const {
  std::string text = name.empty() ? "wattle" : "wattle " + name;
  for (const FlagReference& flag : flags) {
    if (flag.required && !flag.positional) {
      text += fmt::format(" {} {}", flag.names.back(), flag.value);
    }
  }
  text += " [FLAGS]";
  for (const FlagReference& flag : flags) {
    if (!flag.positional) continue;
    const std::string& word = flag.names.front();
    text += flag.required ? " " + word : " [" + word + "]";
  }
  return name.empty() ? text + " COMMAND" : text;
}

const CommandReference* ProgramReference::find(std::string_view command) const {
  for (const CommandReference& one : commands) {
    if (one.name == command) return &one;
  }
  return nullptr;
}

ProgramReference describe(const Definition& definition) {
  ProgramReference reference{.program = describe_command(definition.app), .commands = {}};
  for (const Command& command : definition.commands) {
    if (command.app->get_group().empty()) continue;
    CommandReference& described = reference.commands.emplace_back(describe_command(*command.app));
    described.name = command.app->get_name();
    // Commands without notes of their own inherit those of the program.
    if (described.notes == reference.program.notes) described.notes.clear();
  }
  return reference;
}

}  // namespace wattle::cli
