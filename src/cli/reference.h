// SPDX-License-Identifier: Apache-2.0
// The command line as plain data, for what is written of it: manual pages, docs/cli.md,
// completions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/definition.h"

namespace wattle::cli {

struct FlagReference {
  std::vector<std::string> names;    // "-m", "--model"; of a positional one "PROMPT"
  std::string value;                 // "FILE"; empty: a switch
  std::vector<std::string> choices;  // what the value may be; empty: anything
  std::string meaning;
  std::string group;  // heading in --help
  bool positional = false;
  bool required = false;
  bool repeatable = false;

  // Whether a shell does well to offer files.
  bool takes_file() const;
};

struct CommandReference {
  std::string name;  // empty: the program itself
  std::string summary;
  std::string notes;  // what stands below the flags in --help; lines are meant
  std::vector<FlagReference> flags;

  // "wattle run [FLAGS] [PROMPT]".
  std::string usage() const;
};

struct ProgramReference {
  CommandReference program;
  std::vector<CommandReference> commands;  // those that --help lists

  // Null where no command is called that.
  const CommandReference* find(std::string_view command) const;
};

ProgramReference describe(const Definition& definition);

}  // namespace wattle::cli
