// SPDX-License-Identifier: Apache-2.0
// y = W x for a few activation rows: decode. Reads the blocks where they lie, four output rows in
// flight, each weight unpacked once for all activation rows, one horizontal sum per row at the end.
//
// A Dot says how 32 codes and 32 activations become 8 integer lanes (their sum is the product):
//   kMaxActs             activation rows that fit its registers
//   start<T>(x)          once per 32 activations: what offset codes make of them
//   dot<T>(codes, x, start)
#pragma once

#include "kernels/act_q8.h"
#include "kernels/matmul.h"
#include "kernels/x86/unpack.inl.h"

namespace wattle::kernels::x86 {
namespace {

constexpr int kRowsInFlight = 4;

// Where four rows of weights begin. Rows past the end repeat the last one; their results are
// dropped. Each row fetches ahead for the row some groups of four further on, into the second-level
// cache: on Zen 4 that doubles the bandwidth of one thread over fetching into the first, and one
// stream through all four rows in order is slower.
template <class Block>
struct FourRows {
  const Block* w[kRowsInFlight];
  size_t ahead_bytes;

  WATTLE_INLINE FourRows(const MatmulArgs& args, size_t row, size_t end) {
    for (size_t i = 0; i < kRowsInFlight; ++i) {
      const size_t r = row + i < end ? row + i : end - 1;
      w[i] = reinterpret_cast<const Block*>(args.w + r * args.w_row_bytes);
    }
    constexpr size_t kFar = 8 * 1024;
    const size_t group_bytes = kRowsInFlight * args.w_row_bytes;
    ahead_bytes = group_bytes >= kFar ? group_bytes : (kFar / group_bytes + 1) * group_bytes;
  }

  WATTLE_INLINE void fetch(const void* p) const {
    _mm_prefetch(static_cast<const char*>(p) + ahead_bytes, _MM_HINT_T1);
  }
};

// The sums of the lanes of four vectors.
WATTLE_INLINE __m128 sums_of_lanes(__m256 a, __m256 b, __m256 c, __m256 d) {
  const __m256 sums = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
  return _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
}

WATTLE_INLINE void store_rows(float* y, __m128 sums, size_t n) {
  if (n >= kRowsInFlight) {
    _mm_storeu_ps(y, sums);
    return;
  }
  alignas(16) float values[kRowsInFlight];
  _mm_store_ps(values, sums);
  for (size_t i = 0; i < n; ++i) y[i] = values[i];
}

WATTLE_INLINE __m256 lane_to_all(__m256 v, int lane) {
  return _mm256_permutevar8x32_ps(v, _mm256_set1_epi32(lane));
}

// Blocks of 32: the scales of one block column of four rows lie in one vector.
template <class Dot, class T, int kActs>
void four_rows_of_blocks32(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  const FourRows<typename T::Block> rows(args, row, end);
  ActQ8 x[kActs];
  for (int a = 0; a < kActs; ++a)
    x[a] = act_q8(args.act[act + static_cast<size_t>(a)], args.n_cols);

  __m256 acc[kRowsInFlight][kActs] = {};
  __m256 mins[kActs] = {};  // odd lanes: one per row
  for (size_t g = 0; g < args.n_cols / 32; ++g) {
    const __m256 scales = T::scales(rows.w, g);
    __m256 products[kActs];
    __m256i q[kActs];
    decltype(Dot::template start<T>(q[0])) start[kActs];
    for (int a = 0; a < kActs; ++a) {
      const auto pair = load_as<double>(&x[a].scale[g]);
      products[a] = _mm256_mul_ps(scales, _mm256_castpd_ps(_mm256_set1_pd(pair)));
      if constexpr (T::kMin) mins[a] = _mm256_add_ps(mins[a], products[a]);
      q[a] = load256(x[a].q + 32 * g);
      start[a] = Dot::template start<T>(q[a]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < kRowsInFlight; ++i) {
      rows.fetch(&rows.w[i][g]);
      const __m256i codes = T::codes(rows.w[i][g], 0);
      for (int a = 0; a < kActs; ++a) {
        const __m256i sums = Dot::template dot<T>(codes, q[a], start[a]);
        acc[i][a] =
            _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), lane_to_all(products[a], 2 * i), acc[i][a]);
      }
    }
  }
  for (int a = 0; a < kActs; ++a) {
    __m128 y = sums_of_lanes(acc[0][a], acc[1][a], acc[2][a], acc[3][a]);
    if constexpr (T::kMin) {
      const __m256i odd_first = _mm256_setr_epi32(1, 3, 5, 7, 0, 2, 4, 6);
      y = _mm_add_ps(y, _mm256_castps256_ps128(_mm256_permutevar8x32_ps(mins[a], odd_first)));
    }
    store_rows(args.y[act + static_cast<size_t>(a)] + row, y, end - row);
  }
}

// Blocks of 256, in two halves: each row brings the scales of half a block in one vector.
template <class Dot, class T, int kActs>
void four_rows_of_blocks256(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  const FourRows<typename T::Block> rows(args, row, end);
  ActQ8 x[kActs];
  for (int a = 0; a < kActs; ++a)
    x[a] = act_q8(args.act[act + static_cast<size_t>(a)], args.n_cols);

  __m256 acc[kRowsInFlight][kActs] = {};
  for (size_t b = 0; b < args.n_cols / 256; ++b) {
    SuperScales scales[kRowsInFlight];
    for (int i = 0; i < kRowsInFlight; ++i) scales[i] = T::scales(rows.w[i][b]);

#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      __m256 products[kRowsInFlight][kActs];
      for (int a = 0; a < kActs; ++a) {
        const size_t g = 8 * b + 4 * static_cast<size_t>(h);
        // {scale, scale * sum} of four groups
        const __m256 pairs = _mm256_loadu_ps(&x[a].scale[g].scale);
        const __m256 twice = _mm256_moveldup_ps(pairs);
        for (int i = 0; i < kRowsInFlight; ++i) {
          if constexpr (T::kGroup == 32) {
            products[i][a] = _mm256_mul_ps(scales[i].s[h], pairs);
            if constexpr (T::kMin) {
              const __m256 odd = _mm256_blend_ps(_mm256_setzero_ps(), scales[i].s[h], 0xaa);
              acc[i][a] = _mm256_fmadd_ps(odd, pairs, acc[i][a]);
            }
          } else {
            products[i][a] = _mm256_mul_ps(scales[i].s[h], twice);
            if constexpr (T::kMin) {
              const __m256 neg_sums = _mm256_cvtepi32_ps(load256(x[a].neg_sum16 + 2 * g));
              acc[i][a] =
                  _mm256_fnmadd_ps(_mm256_mul_ps(scales[i].m[h], twice), neg_sums, acc[i][a]);
            }
          }
        }
      }
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const int sub = 4 * h + j;
        __m256i q[kActs];
        decltype(Dot::template start<T>(q[0])) start[kActs];
        for (int a = 0; a < kActs; ++a) {
          q[a] = load256(x[a].q + 256 * b + 32 * static_cast<size_t>(sub));
          start[a] = Dot::template start<T>(q[a]);
        }
        const __m256i lanes = T::kGroup == 32
                                  ? _mm256_set1_epi32(2 * j)
                                  : _mm256_setr_epi32(2 * j, 2 * j, 2 * j, 2 * j, 2 * j + 1,
                                                      2 * j + 1, 2 * j + 1, 2 * j + 1);
#pragma GCC unroll 4
        for (int i = 0; i < kRowsInFlight; ++i) {
          rows.fetch(reinterpret_cast<const std::byte*>(&rows.w[i][b]) +
                     sizeof(typename T::Block) / 8 * static_cast<size_t>(sub));
          const __m256i codes = T::codes(rows.w[i][b], sub);
          for (int a = 0; a < kActs; ++a) {
            const __m256i sums = Dot::template dot<T>(codes, q[a], start[a]);
            acc[i][a] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums),
                                        _mm256_permutevar8x32_ps(products[i][a], lanes), acc[i][a]);
          }
        }
      }
    }
  }
  for (int a = 0; a < kActs; ++a) {
    store_rows(args.y[act + static_cast<size_t>(a)] + row,
               sums_of_lanes(acc[0][a], acc[1][a], acc[2][a], acc[3][a]), end - row);
  }
}

template <class Dot, class T, int kActs>
WATTLE_INLINE void four_rows(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  if constexpr (T::kElems == 32) {
    four_rows_of_blocks32<Dot, T, kActs>(args, act, row, end);
  } else {
    four_rows_of_blocks256<Dot, T, kActs>(args, act, row, end);
  }
}

template <class Dot, class T>
void matvec_q8(const MatmulArgs& args, RowRange rows) noexcept {
  for (size_t row = rows.begin; row < rows.end; row += kRowsInFlight) {
    size_t act = 0;
    for (; args.n_act - act >= Dot::kMaxActs; act += Dot::kMaxActs)
      four_rows<Dot, T, Dot::kMaxActs>(args, act, row, rows.end);
    if constexpr (Dot::kMaxActs > 2) {
      for (; args.n_act - act >= 2; act += 2) four_rows<Dot, T, 2>(args, act, row, rows.end);
    }
    if (act < args.n_act) four_rows<Dot, T, 1>(args, act, row, rows.end);
  }
}

}  // namespace
}  // namespace wattle::kernels::x86
