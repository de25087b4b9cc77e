// SPDX-License-Identifier: Apache-2.0
// Recorded programs of few multiplications; simulator_slow_test.cpp runs all.
#include <gtest/gtest.h>

#include "tests/backend/rknpu/recorded_programs.h"
#include "tests/support/needs_golden.h"

namespace wattle::rknpu {
namespace {

constexpr uint64_t kMostProductsOfSweep = 1 << 22;
constexpr uint64_t kMostProducts = 1 << 24;  // of the others

TEST(RknpuSimulator, RunsProgramsOfTheVendorsRuntime) {
  WATTLE_NEEDS_GOLDEN("rknpu");
  run_lines(test::golden_dir() / "rknpu/vendor_runtime_small.jsonl", run_vendor);
  run_lines(test::golden_dir() / "rknpu/vendor_runtime_commands.jsonl", run_vendor,
            kMostProductsOfSweep);
}

TEST(RknpuSimulator, RunsTheOnesOfTheClone) {
  run_lines(test::source_dir() / "tests/backend/rknpu/data/vendor_runtime_small.jsonl", run_vendor,
            kMostProducts);
}

TEST(RknpuSimulator, ReadsOtherNumbersOfRowsAtWrongPlacesAsBoardsDo) {
  WATTLE_NEEDS_GOLDEN("rknpu");
  run_lines(test::golden_dir() / "rknpu/mtx512_regcmd.jsonl", run_mtx512, kMostProducts);
}

TEST(RknpuSimulator, ReadsOneRowAtWrongPlacesWhereAStrideIsClampedAsBoardsDo) {
  WATTLE_NEEDS_GOLDEN("rknpu");
  run_lines(test::golden_dir() / "rknpu/rocket_userspace_regcmd.jsonl", run_rocket, kMostProducts);
}

TEST(RknpuSimulator, RunsPublishedFormulas) {
  WATTLE_NEEDS_GOLDEN("rknpu");
  run_lines(test::golden_dir() / "rknpu/happyme531_formula_regcmd.jsonl", run_formula);
}

}  // namespace
}  // namespace wattle::rknpu
