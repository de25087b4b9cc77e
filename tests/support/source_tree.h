// SPDX-License-Identifier: Apache-2.0
// Files of this source tree, and beside it. Functions, not a macro: only one file is compiled with
// its path, and a cache of the compiler has all others for the next clone.
#pragma once

#include <filesystem>

namespace wattle::test {

std::filesystem::path source_dir();

// Where the reference data lies: the folder that WATTLE_GOLDEN names, else ../shared/golden beside
// the source tree.
std::filesystem::path golden_dir();

// The trained mixture of experts in the layout of Gemma 4 26B-A4B, with a sliding window of 64.
std::filesystem::path stories_model();

}  // namespace wattle::test
