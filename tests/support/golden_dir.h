// SPDX-License-Identifier: Apache-2.0
// Where the reference data lies: the folder that WATTLE_GOLDEN names, else ../shared/golden beside
// the source tree. A clone alone has none, and then the tests that need it skip themselves.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace wattle::test {

inline std::filesystem::path golden_dir() {
  if (const char* set = std::getenv("WATTLE_GOLDEN"); set != nullptr && *set != '\0') return set;
  return std::filesystem::path(WATTLE_SOURCE_DIR) / ".." / "shared" / "golden";
}

}  // namespace wattle::test

// First line of a test that reads `golden_dir() / sub`.
#define WATTLE_NEEDS_GOLDEN(sub)                                                           \
  if (!std::filesystem::exists(wattle::test::golden_dir() / (sub)))                        \
  GTEST_SKIP() << "no reference data at " << (wattle::test::golden_dir() / (sub)).string() \
               << "; set WATTLE_GOLDEN to a folder that has it"
