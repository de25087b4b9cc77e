// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion_script.h"

namespace wattle::cli {
namespace {

// Inside '...', where only the quote itself means something.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// Text of a specification of _arguments, in which these have a meaning.
std::string spec_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string action(const FlagReference& flag) {
  if (!flag.choices.empty()) return fmt::format("({})", fmt::join(flag.choices, " "));
  return flag.takes_file() ? "_files" : " ";
}

// One specification for each name; a flag that was given shuts out its other names.
std::string flag_specs(const FlagReference& flag) {
  if (flag.positional) {
    return fmt::format(
        " \\\n        {}",
        in_quotes(fmt::format(":{}:{}", spec_text(flag.names.front()), action(flag))));
  }
  std::string text;
  for (const std::string& name : flag.names) {
    std::string spec = flag.repeatable ? "*" : fmt::format("({})", fmt::join(flag.names, " "));
    spec += fmt::format("{}[{}]", name, spec_text(flag.meaning));
    if (!flag.value.empty()) spec += fmt::format(":{}:{}", spec_text(flag.value), action(flag));
    text += fmt::format(" \\\n        {}", in_quotes(spec));
  }
  return text;
}

std::string flag_specs(const CommandReference& command) {
  std::string text;
  for (const FlagReference& flag : command.flags) text += flag_specs(flag);
  return text;
}

}  // namespace

std::string zsh_completion(const ProgramReference& reference) {
  std::string commands;
  std::string cases;
  for (const CommandReference& command : reference.commands) {
    commands +=
        fmt::format("        {}\n", in_quotes(command.name + ":" + spec_text(command.summary)));
    cases += fmt::format("    {})\n      _arguments -s{} ;;\n", command.name, flag_specs(command));
  }
  return fmt::format(
      R"(#compdef wattle
# zsh completion of wattle; written by `wattle completion zsh`
_wattle() {{
  local curcontext=$curcontext state line
  _arguments -C{} \
        '1: :->command' \
        '*:: :->arguments'
  case $state in
    command)
      local -a commands=(
{}      )
      _describe command commands
      return ;;
    arguments) ;;
    *) return ;;
  esac
  case $words[1] in
{}  esac
}}
if [[ $funcstack[1] == _wattle ]]; then _wattle "$@"; else compdef _wattle wattle; fi
)",
      flag_specs(reference.program), commands, cases);
}

}  // namespace wattle::cli
