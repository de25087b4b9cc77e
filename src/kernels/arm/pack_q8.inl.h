// SPDX-License-Identifier: Apache-2.0
// A tile of 8 weight rows in the one form that an inner loop multiplies, whatever the block type.
// Per 32 columns of a tile, one after the other:
//   codes   s8 [32 / n][8 rows][n]  n neighbouring columns of a row together: FourColumns for
//                              gemm_q8.inl.h, what one 32-bit lane of a dot-product instruction
//                              takes; EightColumns for gemm_i8mm.inl.h, two rows of which are an
//                              operand
//   scales  f32 [32 / kGroup][8 rows]
//   mins    f32 [32 / kGroup][8 rows], where the type has them
// Rows past the end of the matrix repeat the last one.
#pragma once

#include "kernels/arm/unpack.inl.h"
#include "kernels/matmul.h"

namespace wattle::kernels::arm {
namespace {

constexpr size_t kTileRows = 8;

template <class T>
struct TileLayout {
  static constexpr size_t kScales = 32 / T::kGroup;
  static constexpr size_t kScalesAt = 32 * kTileRows;
  static constexpr size_t kMinsAt = kScalesAt + kScales * kTileRows * sizeof(float);
  static constexpr size_t kBytes = kMinsAt + (T::kMin ? kMinsAt - kScalesAt : 0);
};

// How 32 columns of rows `first` to `first` + 3 of a tile are stored: EightColumns, FourColumns.
struct EightColumns {
  WATTLE_INLINE static void store(const int8x16_t (&low)[4], const int8x16_t (&high)[4],
                                  size_t first, int8_t* codes) {
    constexpr size_t kStep = kTileRows * 8;
    for (size_t i = 0; i < 4; ++i) {
      int8_t* const dst = codes + (first + i) * 8;
      vst1_s8(dst, vget_low_s8(low[i]));
      vst1_s8(dst + kStep, vget_high_s8(low[i]));
      vst1_s8(dst + 2 * kStep, vget_low_s8(high[i]));
      vst1_s8(dst + 3 * kStep, vget_high_s8(high[i]));
    }
  }
};

// 16 columns of four rows to the codes of four steps; dst points at the first of the four rows.
WATTLE_INLINE void store_transposed(const int8x16_t (&rows)[4], int8_t* dst) {
  const int32x4_t a = vreinterpretq_s32_s8(rows[0]);
  const int32x4_t b = vreinterpretq_s32_s8(rows[1]);
  const int32x4_t c = vreinterpretq_s32_s8(rows[2]);
  const int32x4_t d = vreinterpretq_s32_s8(rows[3]);
  const int64x2_t ab_even = vreinterpretq_s64_s32(vtrn1q_s32(a, b));
  const int64x2_t ab_odd = vreinterpretq_s64_s32(vtrn2q_s32(a, b));
  const int64x2_t cd_even = vreinterpretq_s64_s32(vtrn1q_s32(c, d));
  const int64x2_t cd_odd = vreinterpretq_s64_s32(vtrn2q_s32(c, d));
  constexpr size_t kStep = kTileRows * 4;
  vst1q_s8(dst, vreinterpretq_s8_s64(vtrn1q_s64(ab_even, cd_even)));
  vst1q_s8(dst + kStep, vreinterpretq_s8_s64(vtrn1q_s64(ab_odd, cd_odd)));
  vst1q_s8(dst + 2 * kStep, vreinterpretq_s8_s64(vtrn2q_s64(ab_even, cd_even)));
  vst1q_s8(dst + 3 * kStep, vreinterpretq_s8_s64(vtrn2q_s64(ab_odd, cd_odd)));
}

struct FourColumns {
  WATTLE_INLINE static void store(const int8x16_t (&low)[4], const int8x16_t (&high)[4],
                                  size_t first, int8_t* codes) {
    store_transposed(low, codes + first * 4);
    store_transposed(high, codes + first * 4 + 4 * kTileRows * 4);
  }
};

// Rows [first, first + 4) of the tile whose row 0 is `row` of the matrix.
template <class T, class Columns>
void pack_four_rows(const MatmulArgs& args, size_t row, size_t end, size_t first, std::byte* tile) {
  using Block = typename T::Block;
  using Layout = TileLayout<T>;
  const Block* w[4];
  for (size_t i = 0; i < 4; ++i) {
    const size_t r = row + first + i < end ? row + first + i : end - 1;
    w[i] = reinterpret_cast<const Block*>(args.w + r * args.w_row_bytes);
  }
  for (size_t b = 0; b < args.n_cols / T::kElems; ++b) {
    float scale_of[16][4];  // [group of the block][row]
    float min_of[16][4];
    if constexpr (T::kElems == 32) {
      const RowScales scales = T::scales(w, b);
      vst1q_f32(scale_of[0], scales.s);
      if constexpr (T::kMin) vst1q_f32(min_of[0], scales.m);
    } else {
      constexpr size_t kGroups = 256 / T::kGroup;
      for (size_t i = 0; i < 4; ++i) {
        const SuperScales scales = T::scales(w[i][b]);
        float s[16];
        float m[16];
        for (size_t v = 0; v < kGroups / 4; ++v) {
          vst1q_f32(s + 4 * v, scales.s[v]);
          if constexpr (T::kMin) vst1q_f32(m + 4 * v, scales.m[v]);
        }
        for (size_t g = 0; g < kGroups; ++g) {
          scale_of[g][i] = s[g];
          if constexpr (T::kMin) min_of[g][i] = m[g];
        }
      }
    }
    for (size_t sub = 0; sub < T::kElems / 32; ++sub, tile += Layout::kBytes) {
      int8x16_t low[4];
      int8x16_t high[4];
      for (size_t i = 0; i < 4; ++i) {
        const Codes codes = T::codes(w[i][b], static_cast<int>(sub));
        low[i] = codes.low;
        high[i] = codes.high;
      }
      Columns::store(low, high, first, reinterpret_cast<int8_t*>(tile));
      auto* scales = reinterpret_cast<float*>(tile + Layout::kScalesAt) + first;
      auto* mins = reinterpret_cast<float*>(tile + Layout::kMinsAt) + first;
      for (size_t s = 0; s < Layout::kScales; ++s) {
        const size_t g = Layout::kScales * sub + s;
        vst1q_f32(scales + s * kTileRows, vld1q_f32(scale_of[g]));
        if constexpr (T::kMin) vst1q_f32(mins + s * kTileRows, vld1q_f32(min_of[g]));
      }
    }
  }
}

// One result per row of the tile, the first n of them.
WATTLE_INLINE void store_tile_column(float* y, const float32x4_t (&values)[2], size_t n) {
  float lanes[kTileRows];
  vst1q_f32(lanes, values[0]);
  vst1q_f32(lanes + 4, values[1]);
  for (size_t r = 0; r < kTileRows && r < n; ++r) y[r] = lanes[r];
}

template <class T, class Columns>
void pack_tile(const MatmulArgs& args, size_t row, size_t end, std::byte* tile) {
  for (size_t first = 0; first < kTileRows; first += 4) {
    pack_four_rows<T, Columns>(args, row, end, first, tile);
  }
}

template <class T>
size_t scratch_bytes_q8(size_t n_cols) noexcept {
  return n_cols / 32 * TileLayout<T>::kBytes;
}

}  // namespace
}  // namespace wattle::kernels::arm
