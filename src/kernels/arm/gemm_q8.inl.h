// SPDX-License-Identifier: Apache-2.0
// Y = W X for many activation rows: prefill. One tile of weight rows is packed (pack_q8.inl.h),
// then all activation rows pass over it, four at a time. A lane of a vector is a weight row, so
// nothing is summed horizontally; the activations are the operand that an instruction takes one
// lane of. There is one inner loop for all block types. Needs dotprod.
#pragma once

#include "kernels/act_q8.h"
#include "kernels/arm/pack_q8.inl.h"
#include "kernels/matmul.h"

namespace wattle::kernels::arm {
namespace {

constexpr int kActBlock = 4;

// sums[a] += the products of 16 columns of 8 weight rows; w goes on by as much, four times 32
// bytes.
template <int kActs>
WATTLE_INLINE void dot_16_columns(Bytes& w, const int8x16_t (&x)[kActs],
                                  int32x4_t (&sums)[kActs][2]) {
  const auto step = [&](auto dot_lane) {
    const uint8x16x2_t rows = next_32(w);
    for (int a = 0; a < kActs; ++a) {
      sums[a][0] = dot_lane(sums[a][0], vreinterpretq_s8_u8(rows.val[0]), x[a]);
      sums[a][1] = dot_lane(sums[a][1], vreinterpretq_s8_u8(rows.val[1]), x[a]);
    }
  };
  step([](auto s, auto r, auto v) { return vdotq_laneq_s32(s, r, v, 0); });
  step([](auto s, auto r, auto v) { return vdotq_laneq_s32(s, r, v, 1); });
  step([](auto s, auto r, auto v) { return vdotq_laneq_s32(s, r, v, 2); });
  step([](auto s, auto r, auto v) { return vdotq_laneq_s32(s, r, v, 3); });
}

template <class T, int kActs>
void gemm_block(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  using Layout = TileLayout<T>;
  ActQ8 x[kActs];
  float32x4_t acc[kActs][2];
  for (size_t a = 0; a < kActs; ++a) {
    x[a] = act_q8(args.act[act + a], args.n_cols);
    acc[a][0] = acc[a][1] = vdupq_n_f32(0);
  }
  const std::byte* tile = args.scratch;
  for (size_t g = 0; g < args.n_cols / 32; ++g, tile += Layout::kBytes) {
    const auto in_tile = [&](size_t array_at, size_t s, int v) {
      const auto* floats = reinterpret_cast<const float*>(tile + array_at);
      return vld1q_f32(floats + s * kTileRows + 4 * v);
    };
    auto codes = reinterpret_cast<Bytes>(tile);
    // Of groups of 16, two of which share a scale of the activations: multiplied by it at the end.
    float32x4_t part[kActs][2];
#pragma GCC unroll 2
    for (size_t s = 0; s < Layout::kScales; ++s) {
      constexpr size_t kHalves = 2 / Layout::kScales;
      int32x4_t sums[kActs][2];
      for (auto& rows : sums) rows[0] = rows[1] = vdupq_n_s32(0);
#pragma GCC unroll 2
      for (size_t h = s * kHalves; h < (s + 1) * kHalves; ++h) {
        int8x16_t q[kActs];
        for (size_t a = 0; a < kActs; ++a) q[a] = vld1q_s8(x[a].q + 32 * g + 16 * h);
        dot_16_columns<kActs>(codes, q, sums);
      }
      for (int v = 0; v < 2; ++v) {
        const float32x4_t scale = in_tile(Layout::kScalesAt, s, v);
        for (int a = 0; a < kActs; ++a) {
          const float32x4_t sum = vcvtq_f32_s32(sums[a][v]);
          if constexpr (!Layout::kOf16) {
            acc[a][v] = vfmaq_f32(acc[a][v], sum, vmulq_n_f32(scale, x[a].scale[g].scale));
          } else {
            part[a][v] = s == 0 ? vmulq_f32(sum, scale) : vfmaq_f32(part[a][v], sum, scale);
          }
        }
      }
    }
    if constexpr (Layout::kMins == 1) {
      for (int v = 0; v < 2; ++v) {
        const float32x4_t min = in_tile(Layout::kMinsAt, 0, v);
        for (int a = 0; a < kActs; ++a)
          acc[a][v] = vfmaq_n_f32(acc[a][v], min, x[a].scale[g].scale_sum);
      }
    }
    if constexpr (Layout::kMins == 2) {
      float32x2_t neg_sums[kActs];
      for (int a = 0; a < kActs; ++a) neg_sums[a] = vcvt_f32_s32(vld1_s32(x[a].neg_sum16 + 2 * g));
      for (int v = 0; v < 2; ++v) {
        const float32x4_t first = in_tile(Layout::kMinsAt, 0, v);
        const float32x4_t second = in_tile(Layout::kMinsAt, 1, v);
        for (int a = 0; a < kActs; ++a) {
          part[a][v] = vfmsq_lane_f32(part[a][v], first, neg_sums[a], 0);
          part[a][v] = vfmsq_lane_f32(part[a][v], second, neg_sums[a], 1);
        }
      }
    }
    if constexpr (Layout::kOf16) {
      for (int a = 0; a < kActs; ++a) {
        for (int v = 0; v < 2; ++v)
          acc[a][v] = vfmaq_n_f32(acc[a][v], part[a][v], x[a].scale[g].scale);
      }
    }
  }
  for (size_t a = 0; a < kActs; ++a) store_tile_column(args.y[act + a] + row, acc[a], end - row);
}

struct Dotprod {
  template <class T>
  static void matmul(const MatmulArgs& args, RowRange rows) noexcept {
    for (size_t row = rows.begin; row < rows.end; row += kTileRows) {
      pack_tile<T, FourColumns>(args, row, rows.end, args.scratch);
      size_t act = 0;
      for (; args.n_act - act >= kActBlock; act += kActBlock) {
        gemm_block<T, kActBlock>(args, act, row, rows.end);
      }
      if (args.n_act - act >= 2) {
        gemm_block<T, 2>(args, act, row, rows.end);
        act += 2;
      }
      if (act < args.n_act) gemm_block<T, 1>(args, act, row, rows.end);
    }
  }
};

}  // namespace
}  // namespace wattle::kernels::arm
