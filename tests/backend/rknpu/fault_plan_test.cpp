// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/simulator/fault_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_text.h"

namespace wattle::rknpu {
namespace {

TEST(RknpuFaultPlan, NamesCallsFromOne) {
  const auto fault = parse_fault_plan("timeout@3,corrupted/2,no-memory@1,owned");
  EXPECT_EQ(fault(SimulatedCall::submit, 0), SimulatedFault::none);
  EXPECT_EQ(fault(SimulatedCall::submit, 1), SimulatedFault::corrupted_output);
  EXPECT_EQ(fault(SimulatedCall::submit, 2), SimulatedFault::timeout);
  EXPECT_EQ(fault(SimulatedCall::submit, 3), SimulatedFault::corrupted_output);
  EXPECT_EQ(fault(SimulatedCall::allocate, 0), SimulatedFault::out_of_memory);
  EXPECT_EQ(fault(SimulatedCall::allocate, 1), SimulatedFault::none);
  EXPECT_EQ(fault(SimulatedCall::open, 0), SimulatedFault::owned);
  EXPECT_EQ(parse_fault_plan("")(SimulatedCall::submit, 0), SimulatedFault::none);
}

TEST(RknpuFaultPlan, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"fire@1", "timeout", "timeout@", "timeout@0", "timeout@1x", "owned@1",
                           "timeout@-1", "timeout@99999999999999999999", ",", "hang@1,,lost@2"}) {
    EXPECT_THAT(test::error_text(ErrorCode::usage, [&] { parse_fault_plan(text); }),
                testing::HasSubstr("is no fault of the simulator"))
        << text;
  }
}

}  // namespace
}  // namespace wattle::rknpu
