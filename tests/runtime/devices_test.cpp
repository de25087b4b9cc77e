// SPDX-License-Identifier: Apache-2.0
// What a simulated NPU may take beside a model.
#include "runtime/devices.h"

#include <gtest/gtest.h>

#include "tests/support/random_matrix.h"

namespace wattle::runtime {
namespace {

// The plan asks for all, whatever the board has: the simulator refuses what is beyond it.
uint32_t n_on_npu(uint64_t left_bytes) {
  test::RandomBlocks random(1);
  const test::Matrix w(random, DType::q8_0, 4096, 1024);  // 8 MiB in f16
  EngineContext context({.n_threads = 1});
  Devices devices(
      context, {.driver = NpuDriver::simulator},
      {.memory = [&] { return rknpu::BoardMemory{.file = rknpu::kBoardBytes - left_bytes}; },
       .plan =
           [&](uint64_t memory_bytes, const rknpu::NpuInfo& npu) {
             EXPECT_LE(memory_bytes, rknpu::kBoardBytes);
             EXPECT_EQ(npu.n_domains, 16U);
             const MatrixUse use{.w = w.view, .options = {.max_rows = 1}};
             return rknpu::plan_placement(std::span(&use, 1),
                                          {.max_bytes = UINT64_MAX, .min_rows = 1});
           }},
      {});
  const auto linear = devices.of_model().prepare(w.view, {.max_rows = 16});
  return devices.npu_report()->n_on_npu;
}

TEST(Devices, ASimulatedNpuHasWhatTheModelLeavesOfABoard) {
  EXPECT_EQ(n_on_npu(uint64_t{1} << 30), 1U);
  EXPECT_EQ(n_on_npu(uint64_t{47} << 20), 1U) << "36 MiB for results and commands, 8 of weights";
  EXPECT_EQ(n_on_npu(uint64_t{43} << 20), 0U);
  EXPECT_EQ(n_on_npu(0), 0U);
}

}  // namespace
}  // namespace wattle::runtime
