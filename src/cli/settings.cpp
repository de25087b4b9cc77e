// SPDX-License-Identifier: Apache-2.0
#include "cli/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/env.h"
#include "cli/suggest.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

bool is_setting(const CLI::Option& option) {
  return option.get_configurable() && !option.get_lnames().empty();
}

std::vector<const CLI::Option*> settings_of(const CLI::App& command) {
  if (!command.get_configurable()) return {};
  return command.get_options([](const CLI::Option* option) { return is_setting(*option); });
}

bool is_switch(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

bool is_true(const std::string& text) { return text == "true" || text == "1"; }
bool is_false(const std::string& text) { return text == "false" || text == "0"; }

bool has_name(const CLI::Option& option, const std::string& name) {
  const auto& names = option.get_lnames();
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A flag that the program would not take beside one that was typed.
bool is_shut_out(const CLI::Option& option) {
  const auto others = option.get_excludes();
  return std::any_of(others.begin(), others.end(),
                     [](const CLI::Option* other) { return other->count() > 0; });
}

}  // namespace

struct Settings::Found {
  std::vector<std::string> values;
  std::string from;
  ErrorCode code;  // what it is where they do not fit
};

Settings::Settings(ConfigFile file, const CLI::App& program) : file_(std::move(file)) {
  std::map<std::pair<std::string, const CLI::Option*>, const ConfigEntry*> seen;
  for (const ConfigEntry& entry : file_.entries) {
    std::vector<std::string> known;
    std::vector<std::string> commands;
    const CLI::Option* meant = nullptr;
    for (const CLI::App* command : program.get_subcommands({})) {
      const auto settings = settings_of(*command);
      if (settings.empty()) continue;
      commands.push_back(command->get_name());
      if (!entry.command.empty() && entry.command != command->get_name()) continue;
      for (const CLI::Option* option : settings) {
        for (const std::string& name : option->get_lnames()) known.push_back(name);
        if (meant == nullptr && has_name(*option, entry.key)) meant = option;
      }
    }
    const bool no_command = known.empty();
    if (no_command || meant == nullptr) {
      const std::string& wrong = no_command ? entry.command : entry.key;
      const auto near = nearest(wrong, no_command ? commands : known);
      throw Error(ErrorCode::bad_input,
                  no_command
                      ? fmt::format("{}: no command with settings is called '{}'",
                                    file_.where(entry), wrong)
                      : fmt::format("{}: no setting{} is called '{}'", file_.where(entry),
                                    entry.command.empty() ? "" : " of " + entry.command, wrong),
                  near ? fmt::format("did you mean '{}'?", *near)
                       : "docs/configuration.md lists what there is");
    }
    const auto [other, fresh] = seen.emplace(std::pair(entry.command, meant), &entry);
    if (!fresh) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: '{}' is the same setting as '{}' in line {}", file_.where(entry),
                              entry.key, other->second->key, other->second->line),
                  "keep one of them");
    }
  }
}

std::vector<Settings::Found> Settings::find(const std::string& command,
                                            const CLI::Option& option) const {
  std::vector<Found> found;
  for (const std::string& name : option.get_lnames()) {
    if (auto value = env::get_flag(name)) {
      found.push_back({{std::move(*value)}, env::flag_variable(name), ErrorCode::usage});
    }
  }
  for (const std::string& table : {command, std::string()}) {
    for (const ConfigEntry& entry : file_.entries) {
      if (entry.command == table && has_name(option, entry.key)) {
        found.push_back({entry.values, file_.where(entry), ErrorCode::bad_input});
      }
    }
    if (command.empty()) break;
  }
  return found;
}

void Settings::apply(CLI::App& command) const {
  if (!command.get_configurable()) return;
  for (CLI::Option* option : command.get_options({})) {
    if (!is_setting(*option) || option->count() > 0 || is_shut_out(*option)) continue;
    const std::vector<Found> found = find(command.get_name(), *option);
    if (found.empty()) continue;
    const auto& [values, from, code] = found.front();
    const auto refuse = [&, &where = from, kind = code](const std::string& what) {
      throw Error(
          kind, fmt::format("{}: {}", where, what),
          fmt::format("`wattle {} --help` explains {}", command.get_name(), option->get_name()));
    };
    try {
      if (is_switch(*option)) {
        const std::string& value = values.front();
        if (values.size() != 1 || !(is_true(value) || is_false(value))) {
          refuse(fmt::format("{} is '{}', expected true or false", option->get_name(),
                             fmt::join(values, ", ")));
        }
        if (is_false(value)) continue;  // as when it is not typed
      }
      for (const std::string& value : values) option->add_result(value);
      option->run_callback();
    } catch (const CLI::ParseError& error) {
      refuse(error.what());
    }
  }
}

std::vector<Settings::Row> Settings::rows(const CLI::App& program) const {
  std::map<std::string, Row> rows;
  const auto add = [&](const std::string& command, const CLI::Option& option) {
    const std::string& name = option.get_lnames().front();
    Row row{.name = command.empty() ? name : command + "." + name, .values = {}};
    for (const Found& found : find(command, option)) {
      row.values.push_back({fmt::format("{}", fmt::join(found.values, ", ")), found.from});
    }
    if (!row.values.empty()) rows.emplace(row.name, row);
  };
  for (const CLI::App* command : program.get_subcommands({})) {
    for (const CLI::Option* option : settings_of(*command)) {
      add("", *option);
      const bool of_its_own =
          std::any_of(file_.entries.begin(), file_.entries.end(), [&](const ConfigEntry& entry) {
            return entry.command == command->get_name() && has_name(*option, entry.key);
          });
      if (of_its_own) add(command->get_name(), *option);
    }
  }
  std::vector<Row> out;
  out.reserve(rows.size());
  for (auto& [name, row] : rows) out.push_back(std::move(row));
  return out;
}

}  // namespace wattle::cli
