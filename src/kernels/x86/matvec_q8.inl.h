// SPDX-License-Identifier: Apache-2.0
// y = W x for a few activation rows: decode. Reads the blocks where they lie, four output rows in
// flight, each weight unpacked once for all activation rows, one horizontal sum per row at the end.
//
// A Dot says how 32 codes and 32 activations become 8 integer lanes (their sum is the product):
//   start<T>(x)          once per 32 activations: what offset codes make of them
//   dot<T>(codes, x, start)
#pragma once

#include "kernels/x86/matvec_rows.inl.h"

namespace wattle::kernels::x86 {
namespace {

// Blocks of 32: the scales of one block column of four rows lie in one vector.
template <class Dot, class T, int kActs>
void four_rows_of_blocks32(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  const FourRows<typename T::Block> rows(args, row, end);
  ActQ8 x[kActs];
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a)
    x[a] = act_q8(args.act[act + static_cast<size_t>(a)], args.n_cols);

  __m256 acc[kRowsInFlight][kActs] = {};
  __m256 mins[kActs] = {};  // odd lanes: one per row
  for (size_t g = 0; g < args.n_cols / 32; ++g) {
    const __m256 scales = T::scales(rows.w, g);
    __m256 products[kActs];
    __m256i q[kActs];
    __m256i start[kActs];
    WATTLE_UNROLL
    for (int a = 0; a < kActs; ++a) {
      const auto pair = load_as<double>(&x[a].scale[g]);
      products[a] = _mm256_mul_ps(scales, _mm256_castpd_ps(_mm256_set1_pd(pair)));
      if constexpr (T::kMin) mins[a] = _mm256_add_ps(mins[a], products[a]);
      q[a] = load256(x[a].q + 32 * g);
      start[a] = Dot::template start<T>(q[a]);
    }
    WATTLE_UNROLL
    for (int i = 0; i < kRowsInFlight; ++i) {
      rows.fetch(&rows.w[i][g]);
      const __m256i codes = codes_of_block<T>(rows.w[i][g], 0);
      WATTLE_UNROLL
      for (int a = 0; a < kActs; ++a) {
        const __m256i sums = Dot::template dot<T>(codes, q[a], start[a]);
        acc[i][a] =
            _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), lane_to_all(products[a], 2 * i), acc[i][a]);
      }
    }
  }
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a) {
    __m128 y = sums_of_lanes(acc[0][a], acc[1][a], acc[2][a], acc[3][a]);
    if constexpr (T::kMin) y = _mm_add_ps(y, odd_lanes(mins[a]));
    store_rows(args.y[act + static_cast<size_t>(a)] + row, y, end - row);
  }
}

// Blocks of 256, in two halves: each row brings the scales of half a block in one vector.
template <class Dot, class T, int kActs>
void four_rows_of_blocks256(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  const FourRows<typename T::Block> rows(args, row, end);
  ActQ8 x[kActs];
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a)
    x[a] = act_q8(args.act[act + static_cast<size_t>(a)], args.n_cols);

  __m256 acc[kRowsInFlight][kActs] = {};
  for (size_t b = 0; b < args.n_cols / 256; ++b) {
    SuperScales scales[kRowsInFlight];
    WATTLE_UNROLL
    for (int i = 0; i < kRowsInFlight; ++i) scales[i] = T::scales(rows.w[i][b]);

    WATTLE_UNROLL
    for (int h = 0; h < 2; ++h) {
      __m256 products[kRowsInFlight][kActs];
      WATTLE_UNROLL
      for (int a = 0; a < kActs; ++a) {
        WATTLE_UNROLL
        for (int i = 0; i < kRowsInFlight; ++i) {
          products[i][a] = scale_products<T>(scales[i], x[a], b, h);
          if constexpr (T::kMin) acc[i][a] = add_mins<T>(scales[i], x[a], b, h, acc[i][a]);
        }
      }
      WATTLE_UNROLL
      for (int j = 0; j < 4; ++j) {
        const int sub = 4 * h + j;
        __m256i q[kActs];
        __m256i start[kActs];
        WATTLE_UNROLL
        for (int a = 0; a < kActs; ++a) {
          q[a] = load256(x[a].q + 256 * b + 32 * static_cast<size_t>(sub));
          start[a] = Dot::template start<T>(q[a]);
        }
        const __m256i lanes = T::kGroup == 32
                                  ? _mm256_set1_epi32(2 * j)
                                  : _mm256_setr_epi32(2 * j, 2 * j, 2 * j, 2 * j, 2 * j + 1,
                                                      2 * j + 1, 2 * j + 1, 2 * j + 1);
        WATTLE_UNROLL
        for (int i = 0; i < kRowsInFlight; ++i) {
          if (32 * static_cast<size_t>(sub) < sizeof(typename T::Block))
            rows.fetch(reinterpret_cast<const std::byte*>(&rows.w[i][b]) + 32 * sub);
          const __m256i codes = codes_of_block<T>(rows.w[i][b], sub);
          WATTLE_UNROLL
          for (int a = 0; a < kActs; ++a) {
            const __m256i sums = Dot::template dot<T>(codes, q[a], start[a]);
            acc[i][a] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums),
                                        _mm256_permutevar8x32_ps(products[i][a], lanes), acc[i][a]);
          }
        }
      }
    }
  }
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a) {
    store_rows(args.y[act + static_cast<size_t>(a)] + row,
               sums_of_lanes(acc[0][a], acc[1][a], acc[2][a], acc[3][a]), end - row);
  }
}

template <class Dot>
struct Matvec {
  template <class T, int kActs>
  static void four_rows(const MatmulArgs& args, size_t act, size_t row, size_t end) {
    if constexpr (T::kElems == 32) {
      four_rows_of_blocks32<Dot, T, kActs>(args, act, row, end);
    } else {
      four_rows_of_blocks256<Dot, T, kActs>(args, act, row, end);
    }
  }
};

}  // namespace
}  // namespace wattle::kernels::x86
