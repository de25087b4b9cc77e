// SPDX-License-Identifier: Apache-2.0
// What the matvec loops share: four output rows in flight, where they begin and where they end.
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
    WATTLE_UNROLL
    for (size_t i = 0; i < kRowsInFlight; ++i) {
      const size_t r = row + i < end ? row + i : end - 1;
      w[i] = reinterpret_cast<const Block*>(args.w + r * args.w_row_bytes);
    }
    constexpr size_t kFar = 8 * 1024;
    ahead_bytes = kRowsInFlight * args.w_row_bytes;  // doubled: whole groups, without a division
    while (ahead_bytes < kFar) ahead_bytes *= 2;
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

WATTLE_INLINE __m128 odd_lanes(__m256 v) {
  const __m256i odd_first = _mm256_setr_epi32(1, 3, 5, 7, 0, 2, 4, 6);
  return _mm256_castps256_ps128(_mm256_permutevar8x32_ps(v, odd_first));
}

// {scale, scale * sum} of the four groups of half h of block b of 256 activations.
WATTLE_INLINE __m256 scale_pairs(const ActQ8& x, size_t b, int h) {
  return _mm256_loadu_ps(&x.scale[8 * b + 4 * static_cast<size_t>(h)].scale);
}

// The scales of half a block of 256 weights times those of the activations: what integer sums of a
// group are multiplied by. kGroup 32: in the even lanes.
template <class T>
WATTLE_INLINE __m256 scale_products(const SuperScales& w, const ActQ8& x, size_t b, int h) {
  const __m256 pairs = scale_pairs(x, b, h);
  return _mm256_mul_ps(w.s[h], T::kGroup == 32 ? pairs : _mm256_moveldup_ps(pairs));
}

// acc + the mins of half a block times the sums of the activations.
template <class T>
WATTLE_INLINE __m256 add_mins(const SuperScales& w, const ActQ8& x, size_t b, int h, __m256 acc) {
  const __m256 pairs = scale_pairs(x, b, h);
  if constexpr (T::kGroup == 32) {
    const __m256 odd = _mm256_blend_ps(_mm256_setzero_ps(), w.s[h], 0xaa);
    return _mm256_fmadd_ps(odd, pairs, acc);
  } else {
    const __m256i neg_sums = load256(x.neg_sum16 + 16 * b + 8 * static_cast<size_t>(h));
    const __m256 scale = _mm256_mul_ps(w.m[h], _mm256_moveldup_ps(pairs));
    return _mm256_fnmadd_ps(scale, _mm256_cvtepi32_ps(neg_sums), acc);
  }
}

constexpr size_t kMaxActs = 2;  // more than two activation rows in one pass gain nothing

// Loop: template <class T, int kActs> static void four_rows(args, act, row, end), which computes
// kActs activation rows from `act` on with the four weight rows from `row` on.
template <class Loop, class T>
void matvec(const MatmulArgs& args, RowRange rows) noexcept {
  for (size_t row = rows.begin; row < rows.end; row += kRowsInFlight) {
    size_t act = 0;
    for (; args.n_act - act >= kMaxActs; act += kMaxActs)
      Loop::template four_rows<T, kMaxActs>(args, act, row, rows.end);
    if (act < args.n_act) Loop::template four_rows<T, 1>(args, act, row, rows.end);
  }
}

}  // namespace
}  // namespace wattle::kernels::x86
