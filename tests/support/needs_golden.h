// SPDX-License-Identifier: Apache-2.0
// A clone alone has no reference data, and then the tests that need it skip themselves.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/source_tree.h"

// First line of a test that reads `golden_dir() / sub`.
#define WATTLE_NEEDS_GOLDEN(sub)                                                           \
  if (!std::filesystem::exists(wattle::test::golden_dir() / (sub)))                        \
  GTEST_SKIP() << "no reference data at " << (wattle::test::golden_dir() / (sub)).string() \
               << "; set WATTLE_GOLDEN to a folder that has it"
