// SPDX-License-Identifier: Apache-2.0
// Flags that llama.cpp users type: single dashes with several letters, which the argument parser
// does not know, and flags that wattle has no use for.
#pragma once

#include <string>
#include <vector>

namespace wattle::cli {

// Replaces `-ctk` and the like by their long names, up to a `--`. A flag of llama.cpp that means
// nothing here is Error{usage} that says why.
std::vector<std::string> expand_llama_flags(std::vector<std::string> args);

}  // namespace wattle::cli
