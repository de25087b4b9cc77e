// SPDX-License-Identifier: Apache-2.0
// Every recorded program: two minutes, most of them the oracle's.
#include <gtest/gtest.h>

#include "tests/backend/rknpu/recorded_programs.h"
#include "tests/support/needs_golden.h"

namespace wattle::rknpu {
namespace {

TEST(RknpuSimulatorSlow, RunsEveryProgramOfTheVendorsRuntime) {
  WATTLE_NEEDS_GOLDEN("rknpu");
  run_lines(test::golden_dir() / "rknpu/vendor_runtime_commands.jsonl", run_vendor);
}

TEST(RknpuSimulatorSlow, RunsEveryProgramOfTheGenerators) {
  WATTLE_NEEDS_GOLDEN("rknpu");
  run_lines(test::golden_dir() / "rknpu/mtx512_regcmd.jsonl", run_mtx512);
  run_lines(test::golden_dir() / "rknpu/rocket_userspace_regcmd.jsonl", run_rocket);
}

}  // namespace
}  // namespace wattle::rknpu
