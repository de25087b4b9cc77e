// SPDX-License-Identifier: Apache-2.0
// What every command of the program provides. A new one is a file src/cli/NAME.cpp with an add_NAME
// and a row in commands.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>

namespace wattle::cli {

struct Command {
  CLI::App* app = nullptr;  // the subcommand, owned by the program it was added to
  // Runs after its arguments were parsed; returns the exit code. Throws Error. Owns what the flags
  // are bound to (a shared_ptr in its capture).
  std::function<int()> body;
};

// Adds the subcommand with its flags and help.
using AddCommand = Command (*)(CLI::App& program);

// In the order of --help.
std::span<const AddCommand> all_commands() noexcept;

Command add_run(CLI::App& program);
Command add_chat(CLI::App& program);
Command add_embed(CLI::App& program);
Command add_list(CLI::App& program);
Command add_pull(CLI::App& program);
Command add_rm(CLI::App& program);
Command add_show(CLI::App& program);
Command add_info(CLI::App& program);
Command add_template(CLI::App& program);
Command add_tokenize(CLI::App& program);
Command add_logits(CLI::App& program);
Command add_man(CLI::App& program);
Command add_completion(CLI::App& program);
Command add_bench(CLI::App& program);
Command add_perplexity(CLI::App& program);
Command add_synth(CLI::App& program);
Command add_doctor(CLI::App& program);
Command add_npu(CLI::App& program);

}  // namespace wattle::cli
