// SPDX-License-Identifier: Apache-2.0
// A tile of weight rows in the one form that gemm_q8.inl.h multiplies, whatever the block type.
// Per 32 columns of a tile, one after the other:
//   codes   u8 or s8 [8][kRows][4]  four neighbouring columns of a row together: what one 32-bit
//                                   lane of a dot-product instruction takes
//   scales  f32 [32 / kGroup][kRows]
//   mins    f32 [32 / kGroup][kRows], where the type has them
// Rows past the end of the matrix repeat the last one.
#pragma once

#include "kernels/matmul.h"
#include "kernels/x86/unpack.inl.h"

namespace wattle::kernels::x86 {
namespace {

// What the inner loop has to know of a packed type.
template <int kGroupElems, bool kHasMin, int kCodeOffset, int kMaximumCode, bool kSignedCodes>
struct PackedType {
  static constexpr int kGroup = kGroupElems;
  static constexpr bool kMin = kHasMin;
  static constexpr int kOffset = kCodeOffset;
  static constexpr int kMaxCode = kMaximumCode;
  static constexpr bool kSigned = kSignedCodes;
};

template <class Packed, int kRows>
struct TileLayout {
  static constexpr size_t kScales = 32 / Packed::kGroup;
  static constexpr size_t kScalesAt = 32 * kRows;
  static constexpr size_t kMinsAt = kScalesAt + kScales * kRows * sizeof(float);
  static constexpr size_t kBytes = kMinsAt + (Packed::kMin ? kScales * kRows * sizeof(float) : 0);
};

// Afterwards v[k] holds lane k of each of the eight.
WATTLE_INLINE void transpose(__m256i (&v)[8]) {
  __m256i pairs[8];
  WATTLE_UNROLL
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
  }
  __m256i quads[8];  // lanes k and k + 4 of vectors 0-3, then of vectors 4-7
  WATTLE_UNROLL
  for (int i = 0; i < 8; i += 4) {
    quads[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
    quads[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
    quads[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    quads[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  WATTLE_UNROLL
  for (int k = 0; k < 4; ++k) {
    v[k] = _mm256_permute2x128_si256(quads[k], quads[k + 4], 0x20);
    v[k + 4] = _mm256_permute2x128_si256(quads[k], quads[k + 4], 0x31);
  }
}

WATTLE_INLINE void store256(std::byte* p, __m256i v) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(p), v);
}

template <class T, class Packed>
WATTLE_INLINE __m256i packed_codes(const typename T::Block& b, int sub) {
  const __m256i codes = T::codes(b, sub);
  if constexpr (T::kSigned && !Packed::kSigned) {
    static_assert(Packed::kOffset == 128);
    return _mm256_xor_si256(codes, _mm256_set1_epi8(-128));
  }
  return codes;
}

// Where eight rows of a tile lie: `first` is 0 or 8.
template <class Packed, int kRows>
struct EightRows {
  using Layout = TileLayout<Packed, kRows>;
  std::byte* tile;
  size_t first;

  WATTLE_INLINE std::byte* codes(size_t sub, size_t k) const {
    return tile + sub * Layout::kBytes + (k * kRows + first) * 4;
  }
  WATTLE_INLINE std::byte* scales(size_t group) const { return in_sub(group) + Layout::kScalesAt; }
  WATTLE_INLINE std::byte* mins(size_t group) const { return in_sub(group) + Layout::kMinsAt; }

 private:
  WATTLE_INLINE std::byte* in_sub(size_t group) const {
    return tile + group / Layout::kScales * Layout::kBytes +
           (group % Layout::kScales * kRows + first) * sizeof(float);
  }
};

// Scales and mins of block b of 32 elements of eight rows.
template <class T, class Rows>
WATTLE_INLINE void pack_scales32(const typename T::Block* const (&w)[8], size_t b, const Rows& to) {
  const typename T::Block* const low[4] = {w[0], w[1], w[2], w[3]};
  const typename T::Block* const high[4] = {w[4], w[5], w[6], w[7]};
  const __m256 a = T::scales(low, b);
  const __m256 c = T::scales(high, b);
  const auto in_order = [](__m256 v) {  // of the pairs of rows 0, 4, 2, 6
    return _mm256_permute4x64_epi64(_mm256_castps_si256(v), 0xd8);
  };
  store256(to.scales(b), in_order(_mm256_shuffle_ps(a, c, 0x88)));
  if constexpr (T::kMin) store256(to.mins(b), in_order(_mm256_shuffle_ps(a, c, 0xdd)));
}

// Scales and mins of a block of 256 elements, block b of eight rows.
template <class T, class Rows>
WATTLE_INLINE void pack_scales256(const typename T::Block* const (&w)[8], size_t b,
                                  const Rows& to) {
  SuperScales scales[8];
  WATTLE_UNROLL
  for (int i = 0; i < 8; ++i) scales[i] = T::scales(w[i][b]);
  constexpr size_t kGroups = 256 / T::kGroup;
  WATTLE_UNROLL
  for (size_t h = 0; h < 2; ++h) {
    __m256i lanes[8];
    WATTLE_UNROLL
    for (int i = 0; i < 8; ++i) lanes[i] = _mm256_castps_si256(scales[i].s[h]);
    transpose(lanes);
    const size_t group = kGroups * b + kGroups / 2 * h;
    if constexpr (T::kGroup == 32) {  // scale and min in turn
      WATTLE_UNROLL
      for (size_t k = 0; k < 4; ++k) {
        store256(to.scales(group + k), lanes[2 * k]);
        if constexpr (T::kMin) store256(to.mins(group + k), lanes[2 * k + 1]);
      }
    } else {
      WATTLE_UNROLL
      for (size_t k = 0; k < 8; ++k) store256(to.scales(group + k), lanes[k]);
      if constexpr (T::kMin) {
        WATTLE_UNROLL
        for (int i = 0; i < 8; ++i) lanes[i] = _mm256_castps_si256(scales[i].m[h]);
        transpose(lanes);
        WATTLE_UNROLL
        for (size_t k = 0; k < 8; ++k) store256(to.mins(group + k), lanes[k]);
      }
    }
  }
}

// Into the second-level cache. A fetch never faults, wherever it points.
WATTLE_INLINE void fetch_bytes(const std::byte* p, size_t n) {
  for (size_t i = 0; i < n; i += 64)
    _mm_prefetch(reinterpret_cast<const char*>(p + i), _MM_HINT_T1);
}

// The tile whose row 0 is `row` of the matrix. All rows advance together, so that a line of the
// tile is complete before the next one is begun.
//
// So many rows at once are more streams than a processor follows by itself, and with few activation
// rows packing is most of the work: the bytes of the next tile are fetched meanwhile, in order,
// also where the rows of the call end. Another call often goes on there, and without it packing
// took twice the time: docs/perf/batched-decode.md.
template <class T, class Packed, int kRows>
void pack_tile(const MatmulArgs& args, size_t row, size_t end, std::byte* tile) {
  using Block = typename T::Block;
  constexpr size_t kSubs = T::kElems / 32;
  const std::byte* next = args.w + (row + kRows) * args.w_row_bytes;
  const Block* w[kRows / 8][8];
  for (size_t i = 0; i < kRows; ++i) {
    const size_t r = row + i < end ? row + i : end - 1;
    w[i / 8][i % 8] = reinterpret_cast<const Block*>(args.w + r * args.w_row_bytes);
  }
  for (size_t b = 0; b < args.n_cols / T::kElems; ++b, next += kRows * sizeof(Block)) {
    fetch_bytes(next, kRows * sizeof(Block));
    for (size_t eight = 0; eight < kRows / 8; ++eight) {
      const EightRows<Packed, kRows> to{tile, 8 * eight};
      if constexpr (T::kElems == 32) {
        pack_scales32<T>(w[eight], b, to);
      } else {
        pack_scales256<T>(w[eight], b, to);
      }
    }
    for (size_t sub = 0; sub < kSubs; ++sub) {
      for (size_t eight = 0; eight < kRows / 8; ++eight) {
        const EightRows<Packed, kRows> to{tile, 8 * eight};
        __m256i codes[8];
        WATTLE_UNROLL
        for (int i = 0; i < 8; ++i)
          codes[i] = packed_codes<T, Packed>(w[eight][i][b], static_cast<int>(sub));
        transpose(codes);
        WATTLE_UNROLL
        for (size_t k = 0; k < 8; ++k) store256(to.codes(kSubs * b + sub, k), codes[k]);
      }
    }
  }
}

}  // namespace
}  // namespace wattle::kernels::x86
