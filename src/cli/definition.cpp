// SPDX-License-Identifier: Apache-2.0
#include "cli/definition.h"

#include <fmt/format.h>

#include "base/env.h"
#include "cli/program.h"

namespace wattle::cli {
namespace {

constexpr ExitCode kExitCodes[] = {
    {kExitOk, "done"},
    {kExitFailure, "bad input or failure"},
    {kExitUsage, "bad usage"},
    {kExitInterrupted, "interrupted"},
};

std::string footer() {
  std::string text = "Environment:\n";
  for (const env::Variable& variable : env::all()) {
    text += fmt::format("  {:<18}{}\n", variable.name, variable.meaning);
  }
  text += "\nExit codes: ";
  for (const auto& [code, meaning] : kExitCodes) {
    text += fmt::format("{}{} {}", code == kExitOk ? "" : ", ", code, meaning);
  }
  return text + ".\n`wattle COMMAND --help` explains a command.";
}

}  // namespace

std::unique_ptr<Definition> define_program() {
  auto program = std::make_unique<Definition>();
  CLI::App& app = program->app;
  app.name("wattle");
  app.description("Runs large language models on small boards: GGUF in, text out.");
  app.set_version_flag("--version", "wattle " WATTLE_VERSION);
  app.footer(footer());
  app.require_subcommand(0, 1);
  app.allow_extras();
  // What a flag says of one call does not belong into a file: settings.h has the exceptions.
  app.option_defaults()->configurable(false);
  for (const AddCommand add : all_commands()) {
    program->commands.push_back(add(app));
    program->commands.back().app->allow_extras();
  }
  return program;
}

std::span<const ExitCode> exit_codes() noexcept { return kExitCodes; }

}  // namespace wattle::cli
