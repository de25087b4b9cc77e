// SPDX-License-Identifier: Apache-2.0
// Dot of matvec_q8.inl.h without VNNI: pairs of products in 16 bits, then pairs of pairs in 32.
#pragma once

#include "kernels/x86/unpack.inl.h"

namespace wattle::kernels::x86 {
namespace {

// How many products of pairs 16 bits hold: each is at most 2 * 127 * max_code. A power of two.
constexpr int steps_in_16_bits(int max_code, int n_steps) {
  int n = 1;
  while (2 * n <= n_steps && 2 * n * 2 * 127 * max_code < 32768) n *= 2;
  return n;
}

struct DotMaddubs {
  template <class T>
  WATTLE_INLINE static __m256i start(__m256i x) {
    if constexpr (T::kOffset == 0) return _mm256_setzero_si256();
    return _mm256_maddubs_epi16(_mm256_set1_epi8(static_cast<int8_t>(T::kOffset)), x);
  }

  // A pair is at most 2 * 127 * kMaxCode and must stay below 2^15.
  template <class T>
  WATTLE_INLINE static __m256i dot(__m256i codes, __m256i x, __m256i start) {
    static_assert(2 * 127 * T::kMaxCode < 32768);
    __m256i pairs;
    if constexpr (T::kSigned) {
      pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(x, codes));
    } else {
      pairs = _mm256_maddubs_epi16(codes, x);
    }
    if constexpr (T::kOffset != 0) pairs = _mm256_sub_epi16(pairs, start);
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
  }
};

}  // namespace
}  // namespace wattle::kernels::x86
