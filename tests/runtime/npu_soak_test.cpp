// SPDX-License-Identifier: Apache-2.0
// The NPU for longer than the fast tests have time for.
#include <gtest/gtest.h>

#include "tests/runtime/npu_sessions.h"
#include "tests/support/needs_golden.h"

namespace wattle {
namespace {

TEST(NpuSoak, AThousandFaultsLoseNoRequest) {
  WATTLE_NEEDS_GOLDEN("real/stories15M-q4_0.gguf");
  constexpr size_t kPredict = 160;
  const auto engine = test::open_stories(test::faulty_simulator("timeout/3"));
  test::expect_tokens_of_the_cpu(test::all_at_once(*engine, kPredict), kPredict);
  const NpuReport report = *engine->npu();
  EXPECT_TRUE(report.in_use);
  EXPECT_GE(report.n_faults, 1000U);
  EXPECT_GT(report.n_submits, report.n_faults) << "between them it works";
}

}  // namespace
}  // namespace wattle
