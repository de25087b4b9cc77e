// SPDX-License-Identifier: Apache-2.0
// Rows of blocks of 256 in groups of 32 times a few activation rows. Rows are lanes, as in
// matvec_32.inl.h. The integer sums of a group are multiplied by its integer scale, which a float
// holds exactly; then come the scales of the activations, and that of the block once for all its
// groups.
#pragma once

#include "kernels/arm/matvec_rows.inl.h"
#include "kernels/arm/unpack_256.inl.h"

namespace wattle::kernels::arm {
namespace {

template <class T, int kActs>
struct GroupsOf32 {
  const typename T::Block* w[kRowsInFlight];
  Bytes codes[kActs];
  Bytes scales[kActs];
  RunningSums sums[kActs];
  float32x4_t products[kActs];  // of one block, without its d
  float32x4_t acc[kActs];

  // pairs: {scale, sum} of the groups 2 kPair and 2 kPair + 1 of the activations
  template <int kPair>
  WATTLE_INLINE void pair(const FourHeaders& h, const float32x4_t (&pairs)[kActs]) {
    uint8x16x2_t bytes[kRowsInFlight];
#pragma GCC unroll 4
    for (int i = 0; i < kRowsInFlight; ++i) bytes[i] = T::template bytes<kPair>(w[i]);
    group<2 * kPair>(h, bytes, pairs);
    group<2 * kPair + 1>(h, bytes, pairs);
  }

  template <int kGroup>
  WATTLE_INLINE void group(const FourHeaders& h, const uint8x16x2_t (&bytes)[kRowsInFlight],
                           const float32x4_t (&pairs)[kActs]) {
    uint8x16x2_t x[kActs];
    for (int a = 0; a < kActs; ++a) x[a] = next_32(codes[a]);
#pragma GCC unroll 4
    for (int i = 0; i < kRowsInFlight; ++i) {
      const Codes c = T::template codes<kGroup>(w[i], bytes[i]);
      for (int a = 0; a < kActs; ++a) {
        sums[a].add_products(i, c.low, vreinterpretq_s8_u8(x[a].val[0]));
        sums[a].add_products(i, c.high, vreinterpretq_s8_u8(x[a].val[1]));
      }
    }
    for (int a = 0; a < kActs; ++a) {
      const float32x4_t s = T::template times_scale<kGroup>(sums[a].since_last(), h);
      products[a] = kGroup == 0 ? vmulq_laneq_f32(s, pairs[a], 0)
                                : vfmaq_laneq_f32(products[a], s, pairs[a], kGroup % 2 * 2);
    }
  }

  WATTLE_INLINE void block() {
    const FourHeaders h = T::header(w);
    float32x4_t pairs[4][kActs];
    for (int a = 0; a < kActs; ++a) {
      for (int p = 0; p < 4; ++p) pairs[p][a] = vreinterpretq_f32_u8(next_16(scales[a]));
      if constexpr (T::kMin) {
        float32x4_t mins = vmulq_laneq_f32(T::template min<0>(h), pairs[0][a], 1);
        mins = vfmaq_laneq_f32(mins, T::template min<1>(h), pairs[0][a], 3);
        mins = vfmaq_laneq_f32(mins, T::template min<2>(h), pairs[1][a], 1);
        mins = vfmaq_laneq_f32(mins, T::template min<3>(h), pairs[1][a], 3);
        mins = vfmaq_laneq_f32(mins, T::template min<4>(h), pairs[2][a], 1);
        mins = vfmaq_laneq_f32(mins, T::template min<5>(h), pairs[2][a], 3);
        mins = vfmaq_laneq_f32(mins, T::template min<6>(h), pairs[3][a], 1);
        mins = vfmaq_laneq_f32(mins, T::template min<7>(h), pairs[3][a], 3);
        acc[a] = vfmaq_f32(acc[a], mins, h.neg_dmin);
      }
    }
    pair<0>(h, pairs[0]);
    pair<1>(h, pairs[1]);
    pair<2>(h, pairs[2]);
    pair<3>(h, pairs[3]);
    for (int a = 0; a < kActs; ++a) acc[a] = vfmaq_f32(acc[a], products[a], h.d);
    for (int i = 0; i < kRowsInFlight; ++i) ++w[i];
  }
};

// Activation rows from `act` on.
template <class T, int kActs>
[[gnu::noinline]] void rows_of_groups32(const MatmulArgs& args, size_t act, RowRange rows) {
  GroupsOf32<T, kActs> state;
  ActQ8 x[kActs];
  float* y[kActs];
  for (int a = 0; a < kActs; ++a) {
    x[a] = act_q8(args.act[act + static_cast<size_t>(a)], args.n_cols);
    y[a] = args.y[act + static_cast<size_t>(a)];
    state.sums[a].start();
  }
  const size_t n_blocks = args.n_cols / 256;
  for (size_t row = rows.begin; row < rows.end; row += kRowsInFlight) {
    const WeightRows<typename T::Block> weights(args, row, rows.end);
    for (int i = 0; i < kRowsInFlight; ++i) state.w[i] = weights.w[i];
    for (int a = 0; a < kActs; ++a) {
      state.codes[a] = reinterpret_cast<Bytes>(x[a].q);
      state.scales[a] = reinterpret_cast<Bytes>(x[a].scale);
      state.acc[a] = vdupq_n_f32(0);
    }
    for (size_t b = n_blocks; b != 0; --b) state.block();
    for (int a = 0; a < kActs; ++a) store_rows(y[a] + row, state.acc[a], rows.end - row);
  }
}

}  // namespace
}  // namespace wattle::kernels::arm
