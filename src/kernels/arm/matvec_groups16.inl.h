// SPDX-License-Identifier: Apache-2.0
// Rows of blocks of 256 in groups of 16 times a few activation rows, as matvec_groups32.inl.h but
// for the lanes: they are four groups of a row, whose scales lie side by side. Two rows share what
// is loaded of the activations; four would need more than 32 registers.
#pragma once

#include "kernels/arm/matvec_rows.inl.h"
#include "kernels/arm/unpack_256.inl.h"

namespace wattle::kernels::arm {
namespace {

template <class T, int kActs>
struct GroupsOf16 {
  static constexpr int kRows = 2;

  // What belongs to one part of a block of an activation row: groups 2 k and 2 k + 1 in lane k.
  struct Act {
    float32x4_t scales;
    int32x4_t neg_sums[2];
  };

  const typename T::Block* w[kRows];
  const int8_t* codes[kActs];
  Bytes scales[kActs];
  Bytes neg_sums[kActs];
  RunningSums sums[kActs];
  float32x4_t acc[kActs];  // rows are lanes, the first two
  uint8x16_t order;        // for in_order()
  int32x4_t offset;

  // Bytes 2 k for k = 0 to 3, then 2 k + 1; then the other eight likewise.
  WATTLE_INLINE int8x16_t in_order(int8x16_t bytes) { return vqtbl1q_s8(bytes, order); }

  // Of those bytes four.
  template <int kPart>
  WATTLE_INLINE static int16x8_t of_part(int8x16_t bytes) {
    return kPart == 0 ? vmovl_s8(vget_low_s8(bytes)) : vmovl_high_s8(bytes);
  }

  WATTLE_INLINE Act next_act(int a) {
    const uint8x16x2_t pairs = next_32(scales[a]);
    const uint8x16x2_t sums_of_16 = next_32(neg_sums[a]);
    const auto as_floats = [](uint8x16_t v) { return vreinterpretq_f32_u8(v); };
    const auto as_ints = [](uint8x16_t v) { return vreinterpretq_s32_u8(v); };
    return {vuzp1q_f32(as_floats(pairs.val[0]), as_floats(pairs.val[1])),
            {vuzp1q_s32(as_ints(sums_of_16.val[0]), as_ints(sums_of_16.val[1])),
             vuzp2q_s32(as_ints(sums_of_16.val[0]), as_ints(sums_of_16.val[1]))}};
  }

  // What a part of row i adds, by groups of 32 and without the scales of the activations.
  template <int kPart>
  WATTLE_INLINE void part(int i, int8x16_t scale_bytes, const uint8x16x2_t (&q)[kActs][4],
                          const Act (&act)[kActs], int32x4_t (&out)[kActs]) {
    const auto bytes = T::template bytes<kPart>(w[i]);
    const int16x8_t wide = of_part<kPart>(scale_bytes);
    int32x4_t groups[kActs];
    half<kPart, 0>(bytes, q, act, groups);
    for (int a = 0; a < kActs; ++a) {
      out[a] = vmulq_s32(groups[a], vmovl_s16(vget_low_s16(wide)));
    }
    half<kPart, 1>(bytes, q, act, groups);
    for (int a = 0; a < kActs; ++a) {
      out[a] = vmlaq_s32(out[a], groups[a], vmovl_high_s16(wide));
    }
  }

  // The sums of groups 2 k + kHalf for k = 0 to 3.
  template <int kPart, int kHalf, class Part>
  WATTLE_INLINE void half(const Part& bytes, const uint8x16x2_t (&q)[kActs][4],
                          const Act (&act)[kActs], int32x4_t (&groups)[kActs]) {
    const FourRuns raw = T::template raw<kPart>(bytes, kHalf);
    for (int a = 0; a < kActs; ++a) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        sums[a].add_products(k, raw.run[k], vreinterpretq_s8_u8(q[a][k].val[kHalf]));
      }
      groups[a] = sums[a].since_last();
      if constexpr (T::kOffset != 0) {
        groups[a] = vmlaq_s32(groups[a], act[a].neg_sums[kHalf], offset);
      }
    }
  }

  // Sums of the lanes of two rows, in the first two lanes.
  WATTLE_INLINE static float32x4_t rows_as_lanes(const float32x4_t (&rows)[kRows]) {
    const float32x4_t pairs = vpaddq_f32(rows[0], rows[1]);
    return vpaddq_f32(pairs, pairs);
  }

  // The mins of row i times the sums of the activations, without dmin and negative.
  WATTLE_INLINE void neg_mins(int i, const Act (&act)[2][kActs], float32x4_t (&out)[kActs]) {
    const int8x16_t bytes = in_order(T::mins(w[i]));
    const int16x8_t wide[2] = {of_part<0>(bytes), of_part<1>(bytes)};
    for (int a = 0; a < kActs; ++a) {
      const auto sum_of = [&](int p) {
        const int32x4_t first = vmulq_s32(vmovl_s16(vget_low_s16(wide[p])), act[p][a].neg_sums[0]);
        return vcvtq_f32_s32(vmlaq_s32(first, vmovl_high_s16(wide[p]), act[p][a].neg_sums[1]));
      };
      out[a] = vfmaq_f32(vmulq_f32(sum_of(0), act[0][a].scales), sum_of(1), act[1][a].scales);
    }
  }

  template <int kPart>
  WATTLE_INLINE void load_codes(uint8x16x2_t (&q)[kActs][4]) const {
    for (int a = 0; a < kActs; ++a) {
      q[a][0] = load_32<128 * kPart>(codes[a]);
      q[a][1] = load_32<128 * kPart + 32>(codes[a]);
      q[a][2] = load_32<128 * kPart + 64>(codes[a]);
      q[a][3] = load_32<128 * kPart + 96>(codes[a]);
    }
  }

  WATTLE_INLINE void block() {
    const int8x16_t scale_bytes[kRows] = {in_order(T::scales(w[0])), in_order(T::scales(w[1]))};
    Act act[2][kActs];
    uint8x16x2_t q[kActs][4];
    int32x4_t sum[kActs];
    float32x4_t products[kActs][kRows];
    for (int a = 0; a < kActs; ++a) act[0][a] = next_act(a);
    load_codes<0>(q);
#pragma GCC unroll 2
    for (int i = 0; i < kRows; ++i) {
      part<0>(i, scale_bytes[i], q, act[0], sum);
      for (int a = 0; a < kActs; ++a) {
        products[a][i] = vmulq_f32(vcvtq_f32_s32(sum[a]), act[0][a].scales);
      }
    }
    for (int a = 0; a < kActs; ++a) act[1][a] = next_act(a);
    load_codes<1>(q);
#pragma GCC unroll 2
    for (int i = 0; i < kRows; ++i) {
      part<1>(i, scale_bytes[i], q, act[1], sum);
      for (int a = 0; a < kActs; ++a) {
        products[a][i] = vfmaq_f32(products[a][i], vcvtq_f32_s32(sum[a]), act[1][a].scales);
      }
    }
    finish(act, products);
    for (int a = 0; a < kActs; ++a) codes[a] += 256;
  }

  // d and dmin, and on to the next block.
  WATTLE_INLINE void finish(const Act (&act)[2][kActs],
                            const float32x4_t (&products)[kActs][kRows]) {
    float32x4_t mins[kRows][kActs];
    if constexpr (T::kMin) {
      neg_mins(0, act, mins[0]);
      neg_mins(1, act, mins[1]);
    }
    using Block = typename T::Block;
    Bytes at[kRows] = {reinterpret_cast<Bytes>(&w[0]->d), reinterpret_cast<Bytes>(&w[1]->d)};
    const RowScales factors = T::next_factors(at);
    for (int i = 0; i < kRows; ++i) w[i] = reinterpret_cast<const Block*>(at[i]);
    for (int a = 0; a < kActs; ++a) {
      acc[a] = vfmaq_f32(acc[a], rows_as_lanes(products[a]), factors.s);
      if constexpr (T::kMin) {
        acc[a] = vfmsq_f32(acc[a], rows_as_lanes({mins[0][a], mins[1][a]}), factors.m);
      }
    }
  }
};

// Activation rows from `act` on.
template <class T, int kActs>
[[gnu::noinline]] void rows_of_groups16(const MatmulArgs& args, size_t act, RowRange rows) {
  constexpr int kRows = GroupsOf16<T, kActs>::kRows;
  GroupsOf16<T, kActs> state;
  state.order = vreinterpretq_u8_u64(
      vcombine_u64(vcreate_u64(0x0705030106040200), vcreate_u64(0x0f0d0b090e0c0a08)));
  state.offset = vdupq_n_s32(T::kOffset);
  // Else GCC knows them, and makes three instructions of one.
  asm("" : "+w"(state.order), "+w"(state.offset));
  ActQ8 x[kActs];
  float* y[kActs];
  for (int a = 0; a < kActs; ++a) {
    x[a] = act_q8(args.act[act + static_cast<size_t>(a)], args.n_cols);
    y[a] = args.y[act + static_cast<size_t>(a)];
    state.sums[a].start();
  }
  const size_t n_blocks = args.n_cols / 256;
  for (size_t row = rows.begin; row < rows.end; row += kRows) {
    const WeightRows<typename T::Block, kRows> weights(args, row, rows.end);
    for (int i = 0; i < kRows; ++i) state.w[i] = weights.w[i];
    for (int a = 0; a < kActs; ++a) {
      state.codes[a] = x[a].q;
      state.scales[a] = reinterpret_cast<Bytes>(x[a].scale);
      state.neg_sums[a] = reinterpret_cast<Bytes>(x[a].neg_sum16);
      state.acc[a] = vdupq_n_f32(0);
    }
    for (size_t b = n_blocks; b != 0; --b) state.block();
    for (int a = 0; a < kActs; ++a) {
      if (row + 1 < rows.end) {
        vst1_f32(y[a] + row, vget_low_f32(state.acc[a]));
      } else {
        vst1q_lane_f32(y[a] + row, state.acc[a], 0);
      }
    }
  }
}

}  // namespace
}  // namespace wattle::kernels::arm
