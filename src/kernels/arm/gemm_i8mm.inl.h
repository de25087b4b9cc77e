// SPDX-License-Identifier: Apache-2.0
// Y = W X for many activation rows with the matrix instructions of Armv8.6 (i8mm): one multiplies
// two weight rows by two activation rows over eight columns. Otherwise as gemm_q8.inl.h, and the
// same results bit for bit.
#pragma once

#include "kernels/act_q8.h"
#include "kernels/arm/pack_q8.inl.h"
#include "kernels/matmul.h"

namespace wattle::kernels::arm {
namespace {

constexpr size_t kRowPairs = kTileRows / 2;
constexpr size_t kActPairs = 2;  // at a time: three need more than 32 registers

// Lanes {first, second} of two activation rows, and again.
WATTLE_INLINE float32x4_t two_by_two(float first, float second) {
  const float32x2_t pair = vset_lane_f32(second, vdup_n_f32(first), 1);
  return vcombine_f32(pair, pair);
}

// Pair p of the lanes of eight rows, each twice: {row 2p, row 2p, row 2p + 1, row 2p + 1}. four:
// the half of the eight that holds it.
WATTLE_INLINE float32x4_t each_twice(float32x4_t four, size_t p) {
  return p % 2 == 0 ? vzip1q_f32(four, four) : vzip2q_f32(four, four);
}

// n_acts is 2 * kPairs, or one less: then the last row is there twice, and stored once.
template <class T, size_t kPairs>
void gemm_i8mm_block(const MatmulArgs& args, size_t act, size_t n_acts, size_t row, size_t end) {
  using Layout = TileLayout<T>;
  ActQ8 x[2 * kPairs];
  for (size_t a = 0; a < 2 * kPairs; ++a)
    x[a] = act_q8(args.act[act + (a < n_acts ? a : n_acts - 1)], args.n_cols);
  // Lanes: weight row 2p with activation rows 2q and 2q + 1, then weight row 2p + 1 with both.
  float32x4_t acc[kRowPairs][kPairs];
  for (auto& of_rows : acc) {
    for (auto& v : of_rows) v = vdupq_n_f32(0);
  }
  const std::byte* tile = args.scratch;
  for (size_t g = 0; g < args.n_cols / 32; ++g, tile += Layout::kBytes) {
    const auto in_tile = [&](size_t array_at, size_t s, size_t p) {
      const auto* floats = reinterpret_cast<const float*>(tile + array_at) + s * kTileRows;
      return each_twice(vld1q_f32(floats + p / 2 * 4), p);
    };
    const auto x_scale = [&](size_t q) {
      return two_by_two(x[2 * q].scale[g].scale, x[2 * q + 1].scale[g].scale);
    };
    auto codes = reinterpret_cast<Bytes>(tile);
    // Of groups of 16, two of which share a scale of the activations: multiplied by it at the end.
    float32x4_t part[kRowPairs][kPairs];
#pragma GCC unroll 2
    for (size_t s = 0; s < Layout::kScales; ++s) {
      int32x4_t sums[kRowPairs][kPairs];
      for (auto& of_rows : sums) {
        for (auto& v : of_rows) v = vdupq_n_s32(0);
      }
      constexpr size_t kHalves = 2 / Layout::kScales;
#pragma GCC unroll 2
      for (size_t h = s * kHalves; h < (s + 1) * kHalves; ++h) {
        int8x16_t steps[2][kPairs];  // eight columns of two activation rows
        for (size_t q = 0; q < kPairs; ++q) {
          const int64x2_t a = vreinterpretq_s64_s8(vld1q_s8(x[2 * q].q + 32 * g + 16 * h));
          const int64x2_t b = vreinterpretq_s64_s8(vld1q_s8(x[2 * q + 1].q + 32 * g + 16 * h));
          steps[0][q] = vreinterpretq_s8_s64(vzip1q_s64(a, b));
          steps[1][q] = vreinterpretq_s8_s64(vzip2q_s64(a, b));
        }
#pragma GCC unroll 2
        for (size_t k = 0; k < 2; ++k) {
#pragma GCC unroll 2
          for (size_t p = 0; p < kRowPairs; p += 2) {
            const uint8x16x2_t four_rows = next_32(codes);
            for (size_t q = 0; q < kPairs; ++q) {
              const auto add = [&](int32x4_t& sum, uint8x16_t two_rows) {
                sum = vmmlaq_s32(sum, vreinterpretq_s8_u8(two_rows), steps[k][q]);
              };
              add(sums[p][q], four_rows.val[0]);
              add(sums[p + 1][q], four_rows.val[1]);
            }
          }
        }
      }
      for (size_t p = 0; p < kRowPairs; ++p) {
        const float32x4_t scale = in_tile(Layout::kScalesAt, s, p);
        for (size_t q = 0; q < kPairs; ++q) {
          const float32x4_t sum = vcvtq_f32_s32(sums[p][q]);
          if constexpr (!Layout::kOf16) {
            acc[p][q] = vfmaq_f32(acc[p][q], sum, vmulq_f32(scale, x_scale(q)));
          } else {
            part[p][q] = s == 0 ? vmulq_f32(sum, scale) : vfmaq_f32(part[p][q], sum, scale);
          }
        }
      }
    }
    if constexpr (Layout::kMins == 1) {
      for (size_t p = 0; p < kRowPairs; ++p) {
        const float32x4_t min = in_tile(Layout::kMinsAt, 0, p);
        for (size_t q = 0; q < kPairs; ++q) {
          const float32x4_t sum =
              two_by_two(x[2 * q].scale[g].scale_sum, x[2 * q + 1].scale[g].scale_sum);
          acc[p][q] = vfmaq_f32(acc[p][q], min, sum);
        }
      }
    }
    if constexpr (Layout::kMins == 2) {
      float32x4_t neg_sums[2][kPairs];
      for (size_t q = 0; q < kPairs; ++q) {
        const float32x2_t a = vcvt_f32_s32(vld1_s32(x[2 * q].neg_sum16 + 2 * g));
        const float32x2_t b = vcvt_f32_s32(vld1_s32(x[2 * q + 1].neg_sum16 + 2 * g));
        neg_sums[0][q] = vcombine_f32(vzip1_f32(a, b), vzip1_f32(a, b));
        neg_sums[1][q] = vcombine_f32(vzip2_f32(a, b), vzip2_f32(a, b));
      }
      for (size_t s = 0; s < 2; ++s) {
        for (size_t p = 0; p < kRowPairs; ++p) {
          const float32x4_t min = in_tile(Layout::kMinsAt, s, p);
          for (size_t q = 0; q < kPairs; ++q)
            part[p][q] = vfmsq_f32(part[p][q], min, neg_sums[s][q]);
        }
      }
    }
    if constexpr (Layout::kOf16) {
      for (size_t q = 0; q < kPairs; ++q) {
        for (size_t p = 0; p < kRowPairs; ++p)
          acc[p][q] = vfmaq_f32(acc[p][q], part[p][q], x_scale(q));
      }
    }
  }
  for (size_t q = 0; q < kPairs; ++q) {
    const float32x4_t first[2] = {vuzp1q_f32(acc[0][q], acc[1][q]),
                                  vuzp1q_f32(acc[2][q], acc[3][q])};
    const float32x4_t second[2] = {vuzp2q_f32(acc[0][q], acc[1][q]),
                                   vuzp2q_f32(acc[2][q], acc[3][q])};
    store_tile_column(args.y[act + 2 * q] + row, first, end - row);
    if (2 * q + 1 < n_acts) store_tile_column(args.y[act + 2 * q + 1] + row, second, end - row);
  }
}

struct I8mm {
  template <class T>
  static void matmul(const MatmulArgs& args, RowRange rows) noexcept {
    for (size_t row = rows.begin; row < rows.end; row += kTileRows) {
      pack_tile<T, EightColumns>(args, row, rows.end, args.scratch);
      for (size_t act = 0; act < args.n_act; act += 2 * kActPairs) {
        const size_t n = args.n_act - act;
        if (n > 2) {
          const size_t n_acts = n < 2 * kActPairs ? n : 2 * kActPairs;
          gemm_i8mm_block<T, kActPairs>(args, act, n_acts, row, rows.end);
        } else {
          gemm_i8mm_block<T, 1>(args, act, n, row, rows.end);
        }
      }
    }
  }
};

}  // namespace
}  // namespace wattle::kernels::arm
