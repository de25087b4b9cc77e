// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion_script.h"

namespace wattle::cli {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

// `condition`: when the line is meant, as fish asks for it.
std::string line_of(const FlagReference& flag, const std::string& condition) {
  std::string text = fmt::format("complete -c wattle -n {}", in_quotes(condition));
  if (flag.positional) return flag.takes_file() ? text + " -F\n" : "";
  for (const std::string& name : flag.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!flag.choices.empty()) {
    text += fmt::format(" -x -a {}", in_quotes(fmt::format("{}", fmt::join(flag.choices, " "))));
  } else if (!flag.value.empty()) {
    text += flag.takes_file() ? " -r -F" : " -x";
  }
  return text + fmt::format(" -d {}\n", in_quotes(flag.meaning));
}

}  // namespace

std::string fish_completion(const ProgramReference& reference) {
  std::string text =
      "# fish completion of wattle; written by `wattle completion fish`\n"
      "complete -c wattle -f\n";
  for (const FlagReference& flag : reference.program.flags) {
    text += line_of(flag, "__fish_use_subcommand");
  }
  for (const CommandReference& command : reference.commands) {
    text += fmt::format("complete -c wattle -n __fish_use_subcommand -a {} -d {}\n", command.name,
                        in_quotes(command.summary));
    for (const FlagReference& flag : command.flags) {
      text += line_of(flag, "__fish_seen_subcommand_from " + command.name);
    }
  }
  return text;
}

}  // namespace wattle::cli
