// SPDX-License-Identifier: Apache-2.0
// What the matvec loops share: a few output rows in flight, where they begin and where they end,
// and integer sums that nothing sets to zero.
#pragma once

#include "kernels/act_q8.h"
#include "kernels/arm/loads.inl.h"
#include "kernels/matmul.h"

namespace wattle::kernels::arm {
namespace {

constexpr int kRowsInFlight = 4;
constexpr int kMaxActs = 4;

// Where kRows rows of weights begin. Rows past the end repeat the last one; their results are
// dropped.
template <class Block, int kRows = kRowsInFlight>
struct WeightRows {
  const Block* w[kRows];

  WATTLE_INLINE WeightRows(const MatmulArgs& args, size_t row, size_t end) {
    const std::byte* at = args.w + row * args.w_row_bytes;
    for (size_t i = 0; i < kRows; ++i) {
      if (i != 0) at += row + i < end ? args.w_row_bytes : 0;
      w[i] = reinterpret_cast<const Block*>(at);
    }
  }
};

// The first n of four values, n > 0.
WATTLE_INLINE void store_rows(float* y, float32x4_t values, size_t n) {
  if (n >= 4) {
    vst1q_f32(y, values);
    return;
  }
  vst1q_lane_f32(y, values, 0);
  if (n > 1) vst1q_lane_f32(y + 1, values, 1);
  if (n > 2) vst1q_lane_f32(y + 2, values, 2);
}

WATTLE_INLINE float32x4_t sums_of_lanes(const float32x4_t (&v)[4]) {
  return vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3]));
}

// Four sums of products that run on and on: what a group adds is the difference of what they are
// after and before it. A subtraction for four sums, where setting each to zero is an instruction
// each. Sums may wrap, their differences do not.
struct RunningSums {
  uint32x4_t lanes[4];
  uint32x4_t before;

  WATTLE_INLINE void start() {
    lanes[0] = lanes[1] = lanes[2] = lanes[3] = before = vdupq_n_u32(0);
  }

  WATTLE_INLINE void add_products(int i, int8x16_t a, int8x16_t b) {
    lanes[i] = vreinterpretq_u32_s32(vdotq_s32(vreinterpretq_s32_u32(lanes[i]), a, b));
  }

  // What has been added since the last call, sum i in lane i.
  WATTLE_INLINE int32x4_t since_last() {
    const uint32x4_t now =
        vpaddq_u32(vpaddq_u32(lanes[0], lanes[1]), vpaddq_u32(lanes[2], lanes[3]));
    const uint32x4_t added = vsubq_u32(now, before);
    before = now;
    return vreinterpretq_s32_u32(added);
  }
};

}  // namespace
}  // namespace wattle::kernels::arm
