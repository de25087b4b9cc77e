// SPDX-License-Identifier: Apache-2.0
// Several sessions at once on a simulated NPU that goes wrong again and again: no request is lost,
// and texts are those of the CPU, as w4a8 adds the same integers.
#include <gtest/gtest.h>

#include "tests/runtime/npu_sessions.h"
#include "tests/support/needs_golden.h"
#include "wattle/engine.h"

namespace wattle {
namespace {

TEST(NpuFaults, NoneOfSeveralRequestsIsLost) {
  WATTLE_NEEDS_GOLDEN("real/stories15M-q4_0.gguf");
  const auto engine = test::open_stories(test::faulty_simulator("timeout/4"));
  test::expect_tokens_of_the_cpu(test::all_at_once(*engine, 10), 10);
  const NpuReport report = *engine->npu();
  EXPECT_TRUE(report.in_use);
  EXPECT_GE(report.n_faults, 40U);
  EXPECT_GT(report.n_submits, report.n_faults) << "between them it works";
}

TEST(NpuFaults, ADeviceThatIsLostInTheMiddleLosesNoRequest) {
  WATTLE_NEEDS_GOLDEN("real/stories15M-q4_0.gguf");
  const auto engine = test::open_stories(test::faulty_simulator("lost@200"));
  EXPECT_TRUE(engine->npu()->in_use);
  test::expect_tokens_of_the_cpu(test::all_at_once(*engine, 10), 10);
  const NpuReport report = *engine->npu();
  EXPECT_FALSE(report.in_use);
  EXPECT_EQ(report.n_faults, 1U);
}

TEST(NpuFaults, GoWithASimulatorOnly) {
  NpuParams npu;
  npu.faults = "timeout/4";
  try {
    const Engine engine({.model = test::stories_model(), .npu = npu});
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
  }
}

}  // namespace
}  // namespace wattle
