// SPDX-License-Identifier: Apache-2.0
// Where a flag that nobody gave gets its value from: the environment, then the configuration file,
// then its default.
//
// A setting is a flag that says how this machine or its owner wants things (marked `configurable`
// where it is defined), of a command that is marked so too. What a call is about (prompts, files,
// --json) is none, and measuring commands have none: their result hangs on their command line
// alone.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/config_file.h"

namespace wattle::cli {

class Settings {
 public:
  // Checks every key of the file against the settings of the program.
  // Throws Error{bad_input} that names file, line, key and the nearest one there is.
  Settings(ConfigFile file, const CLI::App& program);

  // Gives the flags of a parsed command that were not typed the values found for them; a flag that
  // shuts out one that was typed stays as it is. Throws Error: bad_input names the line of the
  // file, usage the variable of a value that does not fit.
  void apply(CLI::App& command) const;

  struct Value {
    std::string text;  // "4", or of an array "a, b"
    std::string from;  // "WATTLE_THREADS", "/home/me/.config/wattle/config.toml:3"
  };
  struct Row {
    std::string name;           // "threads", or "run.threads" where the file has it for `run` alone
    std::vector<Value> values;  // the first one wins, but over it a flag
  };
  // Of all settings that are set somewhere, by name.
  std::vector<Row> rows(const CLI::App& program) const;

  const ConfigFile& file() const noexcept { return file_; }

 private:
  struct Found;
  std::vector<Found> find(const std::string& command, const CLI::Option& option) const;

  ConfigFile file_;
};

}  // namespace wattle::cli
