// SPDX-License-Identifier: Apache-2.0
// The whole command line as CLI11 knows it. Parsing, --help, the manual, docs/cli.md, completions
// and the keys of the configuration file all come from here.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace wattle::cli {

struct Definition {
  CLI::App app;
  std::vector<Command> commands;  // in the order of --help, hidden ones last
};

std::unique_ptr<Definition> define_program();

struct ExitCode {
  int code;
  const char* meaning;
};
std::span<const ExitCode> exit_codes() noexcept;

}  // namespace wattle::cli
