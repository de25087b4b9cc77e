// SPDX-License-Identifier: Apache-2.0
// For bash without the package bash-completion: only what is built in.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion_script.h"

namespace wattle::cli {
namespace {

std::string all_names(const CommandReference& command) {
  std::string text;
  for (const FlagReference& flag : command.flags) {
    if (flag.positional) continue;
    text += fmt::format("{}{}", text.empty() ? "" : " ", fmt::join(flag.names, " "));
  }
  return text;
}

// What comes after the flags that take a value, and after everything else.
std::string command_case(const CommandReference& command) {
  std::string values;
  std::string rest = "return";
  for (const FlagReference& flag : command.flags) {
    if (flag.positional) {
      if (flag.takes_file()) rest = "compopt -o default";
      continue;
    }
    if (flag.value.empty()) continue;
    const std::string answer = !flag.choices.empty()
                                   ? fmt::format("words='{}'", fmt::join(flag.choices, " "))
                               : flag.takes_file() ? "compopt -o default; return"
                                                   : "return";
    values += fmt::format("        {}) {} ;;\n", fmt::join(flag.names, "|"), answer);
  }
  return fmt::format(
      "    {})\n"
      "      case $prev in\n{}"
      "        *) if [[ $cur == -* ]]; then words='{}'; else {}; fi ;;\n"
      "      esac ;;\n",
      command.name, values, all_names(command), rest);
}

}  // namespace

std::string bash_completion(const ProgramReference& reference) {
  std::string names;
  std::string cases;
  for (const CommandReference& command : reference.commands) {
    names += command.name + " ";
    cases += command_case(command);
  }
  return fmt::format(
      R"(# bash completion of wattle; written by `wattle completion bash`
_wattle() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} command='' words='' i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [[ ${{COMP_WORDS[i]}} != -* ]]; then
      command=${{COMP_WORDS[i]}}
      break
    fi
  done
  COMPREPLY=()
  case $command in
    '') words='{}{}' ;;
{}    *) return ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}}
complete -F _wattle wattle
)",
      names, all_names(reference.program), cases);
}

}  // namespace wattle::cli
