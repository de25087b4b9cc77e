// SPDX-License-Identifier: Apache-2.0
// From arguments to exit code: parsing, help, and the one place where errors are caught and told.
#pragma once

#include <string>
#include <vector>

namespace wattle::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;        // bad input, or the system refused
inline constexpr int kExitUsage = 2;          // the arguments make no sense
inline constexpr int kExitInterrupted = 130;  // Ctrl-C

// args: without the program's name. Results go to stdout, everything else to stderr. Never throws.
int run_program(std::vector<std::string> args) noexcept;

}  // namespace wattle::cli
