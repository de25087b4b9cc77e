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

// dst[k] = lane k of the eight vectors, for k = 0 ... 7; dst rows are `stride` bytes apart.
WATTLE_INLINE void store_transposed(const __m256i (&rows)[8], std::byte* dst, size_t stride) {
  __m256i pairs[8];
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  __m256i quads[8];  // lanes k and k + 4 of rows 0-3, then of rows 4-7
  for (int i = 0; i < 8; i += 4) {
    quads[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
    quads[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
    quads[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    quads[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  for (size_t k = 0; k < 4; ++k) {
    auto* low = reinterpret_cast<__m256i*>(dst + k * stride);
    auto* high = reinterpret_cast<__m256i*>(dst + (k + 4) * stride);
    _mm256_store_si256(low, _mm256_permute2x128_si256(quads[k], quads[k + 4], 0x20));
    _mm256_store_si256(high, _mm256_permute2x128_si256(quads[k], quads[k + 4], 0x31));
  }
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

// Rows [first, first + 8) of a tile of kRows whose row 0 is `row` of the matrix.
template <class T, class Packed, int kRows>
void pack_eight_rows(const MatmulArgs& args, size_t row, size_t end, size_t first,
                     std::byte* tile) {
  using Block = typename T::Block;
  using Layout = TileLayout<Packed, kRows>;
  constexpr size_t kStride = kRows * 4;
  const Block* w[8];
  for (size_t i = 0; i < 8; ++i) {
    const size_t r = row + first + i < end ? row + first + i : end - 1;
    w[i] = reinterpret_cast<const Block*>(args.w + r * args.w_row_bytes);
  }

  for (size_t b = 0; b < args.n_cols / T::kElems; ++b) {
    // scale_of[i], min_of[i]: of the block of row i; blocks of 32 have one each
    alignas(32) float scale_of[8][16];
    alignas(32) float min_of[8][16];
    if constexpr (T::kElems == 32) {
      const Block* const four[2][4] = {{w[0], w[1], w[2], w[3]}, {w[4], w[5], w[6], w[7]}};
      for (size_t h = 0; h < 2; ++h) {
        alignas(32) float pairs[8];
        _mm256_store_ps(pairs, T::scales(four[h], b));
        for (size_t i = 0; i < 4; ++i) {
          scale_of[4 * h + i][0] = pairs[2 * i];
          min_of[4 * h + i][0] = pairs[2 * i + 1];
        }
      }
    } else {
      for (int i = 0; i < 8; ++i) {
        const SuperScales scales = T::scales(w[i][b]);
        if constexpr (T::kGroup == 16) {
          for (int h = 0; h < 2; ++h) {
            _mm256_store_ps(scale_of[i] + 8 * h, scales.s[h]);
            if constexpr (T::kMin) _mm256_store_ps(min_of[i] + 8 * h, scales.m[h]);
          }
        } else {
          alignas(32) float pairs[16];
          _mm256_store_ps(pairs, scales.s[0]);
          _mm256_store_ps(pairs + 8, scales.s[1]);
          for (int g = 0; g < 8; ++g) {
            scale_of[i][g] = pairs[2 * g];
            min_of[i][g] = pairs[2 * g + 1];
          }
        }
      }
    }

    for (size_t sub = 0; sub < T::kElems / 32; ++sub, tile += Layout::kBytes) {
      __m256i codes[8];
      for (int i = 0; i < 8; ++i)
        codes[i] = packed_codes<T, Packed>(w[i][b], static_cast<int>(sub));
      store_transposed(codes, tile + first * 4, kStride);

      auto* scales = reinterpret_cast<float*>(tile + Layout::kScalesAt) + first;
      auto* mins = reinterpret_cast<float*>(tile + Layout::kMinsAt) + first;
      for (size_t s = 0; s < Layout::kScales; ++s) {
        for (size_t i = 0; i < 8; ++i) {
          scales[s * kRows + i] = scale_of[i][Layout::kScales * sub + s];
          if constexpr (T::kMin) mins[s * kRows + i] = min_of[i][Layout::kScales * sub + s];
        }
      }
    }
  }
}

template <class T, class Packed, int kRows>
void pack_tile(const MatmulArgs& args, size_t row, size_t end, std::byte* tile) {
  for (size_t first = 0; first < kRows; first += 8)
    pack_eight_rows<T, Packed, kRows>(args, row, end, first, tile);
}

}  // namespace
}  // namespace wattle::kernels::x86
