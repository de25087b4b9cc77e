// SPDX-License-Identifier: Apache-2.0
// Whether an NPU multiplies: a ladder of products, each on all cores at once, compared with plain
// arithmetic element by element. Commands with a wrong geometry end without an error and with
// plausible results, so this is the only way to know.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

struct SelftestLine {
  MatmulType type = MatmulType::i8_i8_i32;
  Orientation orientation = Orientation::native;
  uint32_t m = 0;
  uint32_t k = 0;
  uint32_t n = 0;
  uint32_t n_lists = 0;  // cores that computed it at once
  uint32_t domain = 0;   // of the first of them
  size_t n_tasks = 0;    // of each
  std::string problem;   // empty where all are equal; else the first difference, or a fault

  bool equal() const noexcept { return problem.empty(); }
};

// Runs products of every type in the orientations that the device's driver takes, in the first and
// in the last domain, and calls `done` after each line. Operands are random, the same every time,
// and so small that every sum is exact in any order. After a fault the device is reset and the next
// line runs. Needs 8 MiB of memory. Throws what allocate throws, NpuFault{lost}, and what `done`
// throws.
std::vector<SelftestLine> selftest(NpuDevice& device,
                                   const std::function<void(const SelftestLine&)>& done = {});

// What becomes of sums of i4 that do not fit 16 bits: no document says it. Nothing here depends on
// the answer, which only a board can give; the simulator saturates at the end.
enum class I4Overflow {
  saturates_at_end,
  saturates_on_the_way,  // and goes on from there
  wraps,
  other,
};
// Throws what submit and allocate throw.
I4Overflow observe_i4_overflow(NpuDevice& device);

std::string_view name_of(Orientation orientation) noexcept;
std::string_view name_of(I4Overflow overflow) noexcept;

}  // namespace wattle::rknpu
