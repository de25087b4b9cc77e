// SPDX-License-Identifier: Apache-2.0
#include "cli/manual.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/env.h"
#include "base/letter_case.h"

namespace wattle::cli {
namespace {

// Text that troff prints as it is: a minus that can be copied, no macro at the start of a line.
std::string roff(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool starts_line = i == 0 || text[i - 1] == '\n';
    if (starts_line && (c == '.' || c == '\'')) out += "\\&";
    switch (c) {
      case '\\': out += "\\e"; break;
      case '-': out += "\\-"; break;
      case '~': out += "\\(ti"; break;
      case '^': out += "\\(ha"; break;
      case '`': out += "\\(ga"; break;
      default: out += c;
    }
  }
  return out;
}

// "One of f16, f32." after the meaning, unless that says so already.
std::string meaning_of(const FlagReference& flag) {
  std::string text = flag.meaning;
  for (const std::string& choice : flag.choices) {
    if (text.find(choice) == std::string::npos) {
      return fmt::format("{}: {}", text, fmt::join(flag.choices, ", "));
    }
  }
  return text;
}

std::string roff_flag(const FlagReference& flag) {
  std::string head;
  for (const std::string& name : flag.names) {
    head += fmt::format("{}\\f{}{}\\fR", head.empty() ? "" : ", ", flag.positional ? 'I' : 'B',
                        roff(name));
  }
  if (!flag.value.empty() && !flag.positional) head += fmt::format(" \\fI{}\\fR", roff(flag.value));
  return fmt::format(".TP\n{}\n{}\n", head, roff(meaning_of(flag)));
}

std::string roff_flags(const CommandReference& command) {
  std::string text = ".SH OPTIONS\n";
  std::string group = "Options";  // CLI11's name for those without a heading, positional ones apart
  for (const FlagReference& flag : command.flags) {
    if (flag.group != group && !flag.positional) {
      group = flag.group;
      text += fmt::format(".SS {}\n", roff(group));
    }
    text += roff_flag(flag);
  }
  return text;
}

std::string roff_environment() {
  std::string text = ".SH ENVIRONMENT\n";
  for (const env::Variable& variable : env::all()) {
    text += fmt::format(".TP\n\\fB{}\\fR\n{}\n", variable.name, roff(variable.meaning));
  }
  return text;
}

std::string roff_exit_codes() {
  std::string text = ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : exit_codes()) {
    text += fmt::format(".TP\n\\fB{}\\fR\n{}\n", code, meaning);
  }
  return text;
}

std::string roff_commands(const ProgramReference& reference) {
  std::string text = ".SH COMMANDS\n";
  for (const CommandReference& command : reference.commands) {
    text +=
        fmt::format(".TP\n\\fBwattle\\-{}\\fR(1)\n{}\n", roff(command.name), roff(command.summary));
  }
  return text;
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string markdown_flags(const CommandReference& command) {
  std::string text;
  std::string group;
  for (const FlagReference& flag : command.flags) {
    if (group != flag.group || text.empty()) {
      group = flag.group;
      text += fmt::format("\n| {} | |\n|---|---|\n", group == "Options" ? "flag" : cell(group));
    }
    text += fmt::format(
        "| `{}{}{}` | {}{} |\n", cell(fmt::format("{}", fmt::join(flag.names, "`, `"))),
        flag.value.empty() || flag.positional ? "" : " ", flag.positional ? "" : cell(flag.value),
        cell(meaning_of(flag)), flag.required ? " (required)" : "");
  }
  return text;
}

}  // namespace

std::string manual_page(const ProgramReference& reference, const CommandReference* command) {
  const CommandReference& about = command == nullptr ? reference.program : *command;
  const std::string name = command == nullptr ? "wattle" : "wattle-" + command->name;
  // Without a date, so that equal sources make equal pages.
  std::string page = fmt::format(".TH {} 1 \"\" \"wattle {}\" \"User Commands\"\n",
                                 roff(upper_case(name)), WATTLE_VERSION);
  page += fmt::format(".SH NAME\n{} \\- {}\n", roff(name), roff(about.summary));
  page += fmt::format(".SH SYNOPSIS\n.B {}\n", roff(about.usage()));
  if (command == nullptr) {
    return page + roff_commands(reference) + roff_flags(about) + roff_environment() +
           roff_exit_codes();
  }
  page += roff_flags(about);
  if (!about.notes.empty()) page += fmt::format(".SH NOTES\n.nf\n{}\n.fi\n", roff(about.notes));
  return page + roff_exit_codes() + ".SH SEE ALSO\n.BR wattle (1)\n";
}

std::string markdown_reference(const ProgramReference& reference) {
  std::string page =
      "# The command line\n\n"
      "Written by `wattle man --markdown` from the definitions behind `--help`; a test "
      "compares.\n\n"
      "| command | |\n|---|---|\n";
  for (const CommandReference& command : reference.commands) {
    page += fmt::format("| [`wattle {}`](#wattle-{}) | {} |\n", command.name, command.name,
                        cell(command.summary));
  }
  page += "\n| variable | |\n|---|---|\n";
  for (const env::Variable& variable : env::all()) {
    page += fmt::format("| `{}` | {} |\n", variable.name, cell(variable.meaning));
  }
  page += "\n| exit code | |\n|---|---|\n";
  for (const auto& [code, meaning] : exit_codes())
    page += fmt::format("| {} | {} |\n", code, meaning);
  for (const CommandReference& command : reference.commands) {
    page += fmt::format("\n## wattle {}\n\n{}\n\n```\n{}\n```\n", command.name, command.summary,
                        command.usage());
    page += markdown_flags(command);
    if (!command.notes.empty()) page += fmt::format("\n```\n{}\n```\n", command.notes);
  }
  return page;
}

}  // namespace wattle::cli
