// SPDX-License-Identifier: Apache-2.0
// Four rows of blocks of 32 times a few activation rows. Rows are lanes: the integer sums of four
// rows meet in one vector by pairwise additions, which is converted and scaled once.
#pragma once

#include "kernels/arm/matvec_rows.inl.h"
#include "kernels/arm/unpack_32.inl.h"

namespace wattle::kernels::arm {
namespace {

template <class T, int kActs>
struct FourRowsOf32 {
  Bytes at[kRowsInFlight];
  Bytes codes[kActs];
  Bytes scales[kActs];
  Bytes neg_sums[kActs];
  RunningSums sums[kActs];
  float32x4_t acc[kActs];

  // The scales {scale, sum} of two groups of an activation row, and the sums of its codes.
  struct Two {
    float32x4_t scales;
    int32x2_t neg_sums;
  };

  // The next group, the first or second of `two`.
  template <int kWhich>
  WATTLE_INLINE void group(const Two (&two)[kActs]) {
    const RowScales w = T::next_scales(at);
    uint8x16x2_t x[kActs];
    for (int a = 0; a < kActs; ++a) x[a] = next_32(codes[a]);
#pragma GCC unroll 4
    for (int i = 0; i < kRowsInFlight; ++i) {
      const Codes raw = T::next_raw(at[i]);
      for (int a = 0; a < kActs; ++a) {
        sums[a].add_products(i, raw.low, vreinterpretq_s8_u8(x[a].val[0]));
        sums[a].add_products(i, raw.high, vreinterpretq_s8_u8(x[a].val[1]));
      }
    }
    int32x4_t offset = vdupq_n_s32(T::kOffset);
    asm("" : "+w"(offset));  // else GCC knows it, and makes three instructions of the one below
    for (int a = 0; a < kActs; ++a) {
      int32x4_t s = sums[a].since_last();
      if constexpr (T::kOffset != 0) {
        s = vmlaq_lane_s32(s, offset, two[a].neg_sums, kWhich);
      }
      const float32x4_t factor = vmulq_laneq_f32(w.s, two[a].scales, 2 * kWhich);
      acc[a] = vfmaq_f32(acc[a], vcvtq_f32_s32(s), factor);
      if constexpr (T::kMin) acc[a] = vfmaq_laneq_f32(acc[a], w.m, two[a].scales, 2 * kWhich + 1);
    }
  }

  WATTLE_INLINE void one_group() {
    Two one[kActs];
    for (int a = 0; a < kActs; ++a) {
      one[a].scales = vreinterpretq_f32_u8(next_8(scales[a]));
      if constexpr (T::kOffset != 0) {
        one[a].neg_sums = vreinterpret_s32_u32(vget_low_u32(next_4(neg_sums[a])));
      }
    }
    group<0>(one);
  }

  WATTLE_INLINE void two_groups() {
    Two two[kActs];
    for (int a = 0; a < kActs; ++a) {
      two[a].scales = vreinterpretq_f32_u8(next_16(scales[a]));
      if constexpr (T::kOffset != 0) {
        two[a].neg_sums = vreinterpret_s32_u8(vget_low_u8(next_8(neg_sums[a])));
      }
    }
    group<0>(two);
    group<1>(two);
  }
};

// Activation rows from `act` on.
template <class T, int kActs>
[[gnu::noinline]] void rows_of_blocks32(const MatmulArgs& args, size_t act, RowRange rows) {
  FourRowsOf32<T, kActs> state;
  ActQ8 x[kActs];
  float* y[kActs];
  for (int a = 0; a < kActs; ++a) {
    x[a] = act_q8(args.act[act + static_cast<size_t>(a)], args.n_cols);
    y[a] = args.y[act + static_cast<size_t>(a)];
    state.sums[a].start();
  }
  const size_t n_groups = args.n_cols / 32;
  for (size_t row = rows.begin; row < rows.end; row += kRowsInFlight) {
    const WeightRows<uint8_t> weights(args, row, rows.end);
    for (int i = 0; i < kRowsInFlight; ++i) state.at[i] = weights.w[i];
    for (int a = 0; a < kActs; ++a) {
      state.codes[a] = reinterpret_cast<Bytes>(x[a].q);
      state.scales[a] = reinterpret_cast<Bytes>(x[a].scale);
      state.neg_sums[a] = reinterpret_cast<Bytes>(x[a].neg_sum32);
      state.acc[a] = vdupq_n_f32(0);
    }
    // The odd one first: what lives on after a loop costs GCC a copy in it.
    if (n_groups % 2 != 0) state.one_group();
    for (size_t g = n_groups / 2; g != 0; --g) state.two_groups();
    for (int a = 0; a < kActs; ++a) store_rows(y[a] + row, state.acc[a], rows.end - row);
  }
}

}  // namespace
}  // namespace wattle::kernels::arm
