// SPDX-License-Identifier: Apache-2.0
// y = W x for a few activation rows: decode. Reads the blocks where they lie, four output rows in
// flight, each weight unpacked once for all activation rows of a block, one horizontal sum per row
// at the end. Needs dotprod.
#pragma once

#include "kernels/act_q8.h"
#include "kernels/arm/unpack.inl.h"
#include "kernels/matmul.h"

namespace wattle::kernels::arm {
namespace {

constexpr int kRowsInFlight = 4;
constexpr int kMaxActs = 4;

// Where four rows of weights begin. Rows past the end repeat the last one; their results are
// dropped.
template <class Block>
struct FourRows {
  const Block* w[kRowsInFlight];

  WATTLE_INLINE FourRows(const MatmulArgs& args, size_t row, size_t end) {
    for (size_t i = 0; i < kRowsInFlight; ++i) {
      const size_t r = row + i < end ? row + i : end - 1;
      w[i] = reinterpret_cast<const Block*>(args.w + r * args.w_row_bytes);
    }
  }
};

WATTLE_INLINE float32x4_t sums_of_lanes(const float32x4_t (&v)[4]) {
  return vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3]));
}

WATTLE_INLINE void store_rows(float* y, float32x4_t values, size_t n) {
  if (n >= 4) {
    vst1q_f32(y, values);
    return;
  }
  float lanes[4];
  vst1q_f32(lanes, values);
  for (size_t i = 0; i < n; ++i) y[i] = lanes[i];
}

// acc + sums * factors[kLane], lane by lane.
template <int kLane>
WATTLE_INLINE float32x4_t add_scaled(float32x4_t acc, int32x4_t sums, float32x4_t factors) {
  return vfmaq_laneq_f32(acc, vcvtq_f32_s32(sums), factors, kLane);
}

// The same with a lane that is constant once the loop around is unrolled.
WATTLE_INLINE float32x4_t add_scaled(float32x4_t acc, int32x4_t sums, float32x4_t factors,
                                     int lane) {
  switch (lane) {
    case 0: return add_scaled<0>(acc, sums, factors);
    case 1: return add_scaled<1>(acc, sums, factors);
    case 2: return add_scaled<2>(acc, sums, factors);
    default: return add_scaled<3>(acc, sums, factors);
  }
}

// The sums of the lanes of four rows, one row per lane.
WATTLE_INLINE int32x4_t sums_of_lanes(const int32x4_t (&v)[4]) {
  return vpaddq_s32(vpaddq_s32(v[0], v[1]), vpaddq_s32(v[2], v[3]));
}

// Where the integer sums of group g start: what the offset of raw codes adds is taken off first.
template <class T>
WATTLE_INLINE int32x4_t start_of_sums(const ActQ8& x, size_t g) {
  if constexpr (T::kOffset == 0) return vdupq_n_s32(0);
  const int32x4_t in_lane_0 = vsetq_lane_s32(x.neg_sum32[g], vdupq_n_s32(0), 0);
  return vshlq_n_s32(in_lane_0, __builtin_ctz(T::kOffset | 1 << 30));
}

// Rows are lanes: the integer sums of four rows meet in one vector, which is converted and scaled
// once.
template <class T, int kActs>
void four_rows_of_blocks32(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  const FourRows<typename T::Block> rows(args, row, end);
  ActQ8 x[kActs];
  float32x4_t acc[kActs];
  for (int a = 0; a < kActs; ++a) {
    x[a] = act_q8(args.act[act + static_cast<size_t>(a)], args.n_cols);
    acc[a] = vdupq_n_f32(0);
  }
  for (size_t g = 0; g < args.n_cols / 32; ++g) {
    const RowScales scales = T::scales(rows.w, g);
    Codes q[kActs];
    int32x4_t start[kActs];
    for (int a = 0; a < kActs; ++a) {
      q[a] = {vld1q_s8(x[a].q + 32 * g), vld1q_s8(x[a].q + 32 * g + 16)};
      start[a] = start_of_sums<T>(x[a], g);
    }
    int32x4_t sums[kActs][kRowsInFlight];
#pragma GCC unroll 4
    for (int i = 0; i < kRowsInFlight; ++i) {
      Codes codes;
      if constexpr (T::kOffset == 0) {
        codes = T::codes(rows.w[i][g], 0);
      } else {
        codes = T::raw(rows.w[i][g]);
      }
      for (int a = 0; a < kActs; ++a) {
        sums[a][i] = vdotq_s32(vdotq_s32(start[a], codes.low, q[a].low), codes.high, q[a].high);
      }
    }
    for (int a = 0; a < kActs; ++a) {
      const ActScale s = x[a].scale[g];
      acc[a] =
          vfmaq_f32(acc[a], vcvtq_f32_s32(sums_of_lanes(sums[a])), vmulq_n_f32(scales.s, s.scale));
      if constexpr (T::kMin) acc[a] = vfmaq_n_f32(acc[a], scales.m, s.scale_sum);
    }
  }
  for (int a = 0; a < kActs; ++a)
    store_rows(args.y[act + static_cast<size_t>(a)] + row, acc[a], end - row);
}

// For the half `h` of a block of one row: what its sums of products are multiplied by, four groups
// per vector. Adds what the minimums contribute to acc. g: the first of four activation groups.
template <class T>
WATTLE_INLINE void half_block(const SuperScales& scales, int h, const ActQ8& x, size_t g,
                              float32x4_t& acc, float32x4_t (&factors)[32 / T::kGroup]) {
  const float32x4x2_t pairs = vld2q_f32(&x.scale[g].scale);
  if constexpr (T::kGroup == 32) {
    factors[0] = vmulq_f32(scales.s[h], pairs.val[0]);
    if constexpr (T::kMin) acc = vfmaq_f32(acc, scales.m[h], pairs.val[1]);
  } else {  // two groups share each activation scale
    const float32x4_t twice[2] = {vzip1q_f32(pairs.val[0], pairs.val[0]),
                                  vzip2q_f32(pairs.val[0], pairs.val[0])};
    for (int v = 0; v < 2; ++v) {
      factors[v] = vmulq_f32(scales.s[2 * h + v], twice[v]);
      if constexpr (T::kMin) {
        const float32x4_t neg_sums =
            vcvtq_f32_s32(vld1q_s32(x.neg_sum16 + 2 * g + 4 * static_cast<size_t>(v)));
        acc = vfmsq_f32(acc, vmulq_f32(scales.m[2 * h + v], twice[v]), neg_sums);
      }
    }
  }
}

template <class T, int kActs>
void four_rows_of_blocks256(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  const FourRows<typename T::Block> rows(args, row, end);
  ActQ8 x[kActs];
  for (int a = 0; a < kActs; ++a) {
    x[a] = act_q8(args.act[act + static_cast<size_t>(a)], args.n_cols);
  }
  float32x4_t acc[kActs][kRowsInFlight];
  for (auto& rows_of_act : acc) {
    for (float32x4_t& v : rows_of_act) v = vdupq_n_f32(0);
  }
  for (size_t b = 0; b < args.n_cols / 256; ++b) {
    for (int i = 0; i < kRowsInFlight; ++i) {
      const typename T::Block& block = rows.w[i][b];
      const SuperScales scales = T::scales(block);
#pragma GCC unroll 2
      for (int h = 0; h < 2; ++h) {
        const size_t g = 8 * b + 4 * static_cast<size_t>(h);
        float32x4_t factors[kActs][32 / T::kGroup];
        for (int a = 0; a < kActs; ++a) half_block<T>(scales, h, x[a], g, acc[a][i], factors[a]);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          const Codes codes = T::codes(block, 4 * h + j);
          for (int a = 0; a < kActs; ++a) {
            const int8_t* q = x[a].q + 32 * (g + static_cast<size_t>(j));
            const int32x4_t low = vdotq_s32(vdupq_n_s32(0), codes.low, vld1q_s8(q));
            if constexpr (T::kGroup == 32) {
              const int32x4_t sums = vdotq_s32(low, codes.high, vld1q_s8(q + 16));
              acc[a][i] = add_scaled(acc[a][i], sums, factors[a][0], j);
            } else {
              const int32x4_t high = vdotq_s32(vdupq_n_s32(0), codes.high, vld1q_s8(q + 16));
              acc[a][i] = add_scaled(acc[a][i], low, factors[a][j / 2], 2 * j % 4);
              acc[a][i] = add_scaled(acc[a][i], high, factors[a][j / 2], 2 * j % 4 + 1);
            }
          }
        }
      }
    }
  }
  for (int a = 0; a < kActs; ++a) {
    store_rows(args.y[act + static_cast<size_t>(a)] + row, sums_of_lanes(acc[a]), end - row);
  }
}

template <class T, int kActs>
WATTLE_INLINE void four_rows(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  if constexpr (T::kElems == 32) {
    four_rows_of_blocks32<T, kActs>(args, act, row, end);
  } else {
    four_rows_of_blocks256<T, kActs>(args, act, row, end);
  }
}

template <class T>
void matvec_q8(const MatmulArgs& args, RowRange rows) noexcept {
  for (size_t row = rows.begin; row < rows.end; row += kRowsInFlight) {
    size_t act = 0;
    for (; args.n_act - act >= kMaxActs; act += kMaxActs) {
      four_rows<T, kMaxActs>(args, act, row, rows.end);
    }
    for (; args.n_act - act >= 2; act += 2) four_rows<T, 2>(args, act, row, rows.end);
    if (act < args.n_act) four_rows<T, 1>(args, act, row, rows.end);
  }
}

}  // namespace
}  // namespace wattle::kernels::arm
