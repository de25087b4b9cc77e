// SPDX-License-Identifier: Apache-2.0
// A tile of 8 weight rows in the one form that an inner loop multiplies, whatever the block type.
// Per 32 columns of a tile, one after the other:
//   codes   s8 [32 / n][8 rows][n]  n neighbouring columns of a row together: FourColumns for
//                              gemm_q8.inl.h, what one 32-bit lane of a dot-product instruction
//                              takes; EightColumns for gemm_i8mm.inl.h, two rows of which are an
//                              operand
//   scales  f32 [kScales][8 rows]  one for each group of the type; where codes are multiplied by
//                              the whole number that scales their group (T::kMultiplied), one
//   mins    f32 [kMins][8 rows]    one for each group, where the type has them
// Rows past the end of the matrix repeat the last one.
#pragma once

#include "kernels/arm/matvec_rows.inl.h"
#include "kernels/arm/unpack_256.inl.h"
#include "kernels/arm/unpack_32.inl.h"
#include "kernels/matmul.h"

namespace wattle::kernels::arm {
namespace {

constexpr size_t kTileRows = 8;

template <class T>
constexpr bool kIsMultiplied = false;
template <class T>
  requires(T::kGroup == 16)
constexpr bool kIsMultiplied<T> = T::kMultiplied;

template <class T>
struct TileLayout {
  static constexpr size_t kGroups = 32 / T::kGroup;
  static constexpr size_t kScales = kIsMultiplied<T> ? 1 : kGroups;
  static constexpr size_t kMins = T::kMin ? kGroups : 0;
  // Something of a type with groups of 16 is multiplied before the scale of the activations.
  static constexpr bool kOf16 = kScales == 2 || kMins == 2;
  static constexpr size_t kScalesAt = 32 * kTileRows;
  static constexpr size_t kMinsAt = kScalesAt + kScales * kTileRows * sizeof(float);
  static constexpr size_t kBytes = kMinsAt + kMins * kTileRows * sizeof(float);
};

// How 16 columns of rows `first` to `first` + 3 of a tile are stored: EightColumns, FourColumns.
struct EightColumns {
  WATTLE_INLINE static void store(const int8x16_t (&rows)[4], size_t first, int8_t* codes) {
    constexpr size_t kStep = kTileRows * 8;
    for (size_t i = 0; i < 4; ++i) {
      int8_t* const dst = codes + (first + i) * 8;
      vst1_s8(dst, vget_low_s8(rows[i]));
      vst1_s8(dst + kStep, vget_high_s8(rows[i]));
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
  WATTLE_INLINE static void store(const int8x16_t (&rows)[4], size_t first, int8_t* codes) {
    store_transposed(rows, codes + first * 4);
  }
};

// Four rows of a tile, `first` to `first` + 3.
template <class T, class Columns>
struct FourRowsOfTile {
  using Layout = TileLayout<T>;

  size_t first;
  std::byte* tile;  // where the next 32 columns go

  // Columns [16 h, 16 h + 16) of 32 that lie `group` groups further on.
  WATTLE_INLINE void store_codes(const int8x16_t (&rows)[4], size_t group, size_t h) const {
    auto* codes = reinterpret_cast<int8_t*>(tile + group * Layout::kBytes);
    Columns::store(rows, first, codes + 16 * kTileRows * h);
  }

  // Scale s of those 32, min s of them.
  WATTLE_INLINE void store_scales(float32x4_t scales, size_t group, size_t s) const {
    store_floats(scales, Layout::kScalesAt, group, s);
  }
  WATTLE_INLINE void store_mins(float32x4_t mins, size_t group, size_t s) const {
    store_floats(mins, Layout::kMinsAt, group, s);
  }

  WATTLE_INLINE void next_block32(Bytes (&at)[4]) {
    const RowScales scales = T::next_scales(at);
    store_scales(scales.s, 0, 0);
    if constexpr (T::kMin) store_mins(scales.m, 0, 0);
    int8x16_t low[4];
    int8x16_t high[4];
    for (int i = 0; i < 4; ++i) {
      const Codes codes = minus(T::next_raw(at[i]), T::kOffset);
      low[i] = codes.low;
      high[i] = codes.high;
    }
    store_codes(low, 0, 0);
    store_codes(high, 0, 1);
    tile += Layout::kBytes;
  }

  template <int kPair>
  WATTLE_INLINE void pair_of_groups32(const typename T::Block* const (&w)[4],
                                      const FourHeaders& h) const {
    uint8x16x2_t bytes[4];
    for (int i = 0; i < 4; ++i) bytes[i] = T::template bytes<kPair>(w[i]);
    group32<2 * kPair>(w, bytes, h);
    group32<2 * kPair + 1>(w, bytes, h);
  }

  template <int kGroup>
  WATTLE_INLINE void group32(const typename T::Block* const (&w)[4], const uint8x16x2_t (&bytes)[4],
                             const FourHeaders& h) const {
    const float32x4_t scales = T::template times_scale<kGroup>(vdupq_n_s32(1), h);
    store_scales(vmulq_f32(scales, h.d), kGroup, 0);
    if constexpr (T::kMin) store_mins(vmulq_f32(T::template min<kGroup>(h), h.neg_dmin), kGroup, 0);
    int8x16_t low[4];
    int8x16_t high[4];
    for (int i = 0; i < 4; ++i) {
      const Codes codes = T::template codes<kGroup>(w[i], bytes[i]);
      low[i] = codes.low;
      high[i] = codes.high;
    }
    store_codes(low, kGroup, 0);
    store_codes(high, kGroup, 1);
  }

  // scales: byte 4 g + i is the integer scale of group g of row i.
  template <int kPart>
  WATTLE_INLINE void part_of_groups16(const typename T::Block* const (&w)[4],
                                      const int8_t* scales) const {
    using Part = decltype(T::template bytes<kPart>(w[0]));
    const Part parts[4] = {T::template bytes<kPart>(w[0]), T::template bytes<kPart>(w[1]),
                           T::template bytes<kPart>(w[2]), T::template bytes<kPart>(w[3])};
    for (int h = 0; h < 2; ++h) {
      int8x16_t codes[4][4];  // [k][row]
      for (int i = 0; i < 4; ++i) {
        const FourRuns raw = T::template raw<kPart>(parts[i], h);
        for (int k = 0; k < 4; ++k) {
          codes[k][i] = vsubq_s8(raw.run[k], vdupq_n_s8(T::kOffset));
          if constexpr (T::kMultiplied) {
            const int group = 8 * kPart + 2 * k + h;
            codes[k][i] = vmulq_s8(codes[k][i], vld1q_dup_s8(scales + 4 * group + i));
          }
        }
      }
      for (size_t k = 0; k < 4; ++k) {
        store_codes(codes[k], 4 * kPart + k, static_cast<size_t>(h));
      }
    }
  }

  WATTLE_INLINE void block_of_groups16(const typename T::Block* const (&w)[4]) const {
    // Byte 4 g + i: group g of row i.
    int8_t scales[64];
    int8_t mins[64];
    int8x16x4_t scales_of = {{T::scales(w[0]), T::scales(w[1]), T::scales(w[2]), T::scales(w[3])}};
    if constexpr (T::kMultiplied) {
      for (auto& of_row : scales_of.val) of_row = vnegq_s8(of_row);
    }
    vst4q_s8(scales, scales_of);
    if constexpr (T::kMin) {
      const int8x16x4_t mins_of = {{T::mins(w[0]), T::mins(w[1]), T::mins(w[2]), T::mins(w[3])}};
      vst4q_s8(mins, mins_of);
    }
    Bytes ends[4];
    for (int i = 0; i < 4; ++i) ends[i] = reinterpret_cast<Bytes>(&w[i]->d);
    const RowScales factors = T::next_factors(ends);
    const auto times = [](float32x4_t factor, const int8_t* bytes) {
      uint32_t four;
      __builtin_memcpy(&four, bytes, 4);
      const int16x8_t wide = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four)));
      return vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))), factor);
    };
    if constexpr (T::kMultiplied) {
      const float32x4_t minus_d = vnegq_f32(factors.s);
      for (size_t g = 0; g < 8; ++g) store_scales(minus_d, g, 0);
    } else {
      for (size_t g = 0; g < 16; ++g) store_scales(times(factors.s, scales + 4 * g), g / 2, g % 2);
    }
    if constexpr (T::kMin) {
      for (size_t g = 0; g < 16; ++g) store_mins(times(factors.m, mins + 4 * g), g / 2, g % 2);
    }
    part_of_groups16<0>(w, scales);
    part_of_groups16<1>(w, scales);
  }

  WATTLE_INLINE void next_block256(const typename T::Block* (&w)[4]) {
    if constexpr (T::kGroup == 32) {
      const FourHeaders h = T::header(w);
      pair_of_groups32<0>(w, h);
      pair_of_groups32<1>(w, h);
      pair_of_groups32<2>(w, h);
      pair_of_groups32<3>(w, h);
    } else {
      block_of_groups16(w);
    }
    for (int i = 0; i < 4; ++i) ++w[i];
    tile += 8 * Layout::kBytes;
  }

 private:
  WATTLE_INLINE void store_floats(float32x4_t values, size_t array_at, size_t group,
                                  size_t s) const {
    std::byte* const at = tile + group * Layout::kBytes + array_at;
    vst1q_f32(reinterpret_cast<float*>(at) + s * kTileRows + first, values);
  }
};

// Rows [first, first + 4) of the tile whose row 0 is `row` of the matrix.
template <class T, class Columns>
void pack_four_rows(const MatmulArgs& args, size_t row, size_t end, size_t first, std::byte* tile) {
  FourRowsOfTile<T, Columns> to{first, tile};
  const size_t from = row + first < end ? row + first : end - 1;
  if constexpr (T::kElems == 32) {
    WeightRows<uint8_t> rows(args, from, end);
    for (size_t b = args.n_cols / 32; b != 0; --b) to.next_block32(rows.w);
  } else {
    WeightRows<typename T::Block> rows(args, from, end);
    for (size_t b = args.n_cols / 256; b != 0; --b) to.next_block256(rows.w);
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
