// SPDX-License-Identifier: Apache-2.0
// What the two AVX-512 Simds of gemm_q8.inl.h share.
#pragma once

#include "kernels/x86/gemm_q8.inl.h"

namespace wattle::kernels::x86 {
namespace {

struct Simd512 {
  static constexpr size_t kMatmulFrom = 3;
  static constexpr size_t kMatmulFromFloats = 16;
  using Ints = __m512i;
  using Floats = __m512;

  WATTLE_INLINE static Floats zero() { return _mm512_setzero_ps(); }
  WATTLE_INLINE static Floats load(const void* p) { return _mm512_load_ps(p); }
  WATTLE_INLINE static Floats broadcast(float x) { return _mm512_set1_ps(x); }
  WATTLE_INLINE static Floats to_floats(Ints x) { return _mm512_cvtepi32_ps(x); }
  WATTLE_INLINE static Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  WATTLE_INLINE static Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  WATTLE_INLINE static Floats fnma(Floats a, Floats b, Floats c) {  // c - a b
    return _mm512_fnmadd_ps(a, b, c);
  }
  WATTLE_INLINE static void store(float* p, Floats x, size_t n) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), x);
  }

  WATTLE_INLINE static __m512i codes(const void* p) { return _mm512_load_si512(p); }
  WATTLE_INLINE static __m512i broadcast_4(const std::byte* p) {
    return _mm512_set1_epi32(load_as<int>(p));
  }
  // Where the sums of codes with an offset start: -offset * (sum of the activations).
  template <int kOffset>
  WATTLE_INLINE static __m512i start(const std::byte* neg_sum) {
    if constexpr (kOffset == 0) {
      return _mm512_setzero_si512();
    } else {
      return _mm512_slli_epi32(broadcast_4(neg_sum), __builtin_ctz(kOffset));
    }
  }
};

}  // namespace
}  // namespace wattle::kernels::x86
