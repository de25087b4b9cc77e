// SPDX-License-Identifier: Apache-2.0
// Matrix products with AVX2, FMA and F16C.
#include "kernels/x86/dot_maddubs.inl.h"
#include "kernels/x86/matmul_rows.inl.h"
#include "kernels/x86/matvec_q8.inl.h"

namespace wattle::kernels {
namespace x86 {
namespace {

struct Simd256 {
  static constexpr int kVecs = 1;
  static constexpr int kRows = 8;
  static constexpr int kActs = 4;
  static constexpr int kActs16 = 4;
  static constexpr size_t kMatmulFrom = 3;
  static constexpr size_t kMatmulFromFloats = 16;
  using Ints = __m256i;
  using Floats = __m256;

  template <class T>
  using Packed =
      PackedType<T::kGroup, T::kMin ? T::kGroup : 0, T::kOffset, T::kMaxCode, T::kSigned>;

  WATTLE_INLINE static Floats zero() { return _mm256_setzero_ps(); }
  WATTLE_INLINE static Floats load(const void* p) {
    return _mm256_load_ps(reinterpret_cast<const float*>(p));
  }
  WATTLE_INLINE static Floats broadcast(float x) { return _mm256_set1_ps(x); }
  WATTLE_INLINE static Floats to_floats(Ints x) { return _mm256_cvtepi32_ps(x); }
  WATTLE_INLINE static Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  WATTLE_INLINE static Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  WATTLE_INLINE static Floats fnma(Floats a, Floats b, Floats c) {  // c - a b
    return _mm256_fnmadd_ps(a, b, c);
  }
  WATTLE_INLINE static void store(float* p, Floats x, size_t n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i wanted = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
    _mm256_maskstore_ps(p, wanted, x);
  }

  WATTLE_INLINE static __m256i broadcast_4(const std::byte* p) {
    return _mm256_set1_epi32(load_as<int>(p));
  }

  template <class P, int kSteps, int kBlock>
  WATTLE_INLINE static void dot(const std::byte* w, const ActRows<kBlock>& x, size_t q_at,
                                size_t neg_sum_at, Ints (&sums)[kVecs][kBlock]) {
    constexpr int kRun = steps_in_16_bits(P::kMaxCode, kSteps);
    WATTLE_UNROLL
    for (int a = 0; a < kBlock; ++a) {
      sums[0][a] = _mm256_setzero_si256();
      if constexpr (P::kOffset != 0)
        sums[0][a] = _mm256_slli_epi32(broadcast_4(x[a] + neg_sum_at), __builtin_ctz(P::kOffset));
    }
    WATTLE_UNROLL
    for (size_t run = 0; run < kSteps; run += kRun) {
      __m256i pairs[kBlock];
      WATTLE_UNROLL
      for (size_t k = run; k < run + kRun; ++k) {
        const __m256i four_columns =
            _mm256_load_si256(reinterpret_cast<const __m256i*>(w + 32 * k));
        const __m256i magnitude = P::kSigned ? _mm256_abs_epi8(four_columns) : four_columns;
        WATTLE_UNROLL
        for (int a = 0; a < kBlock; ++a) {
          __m256i q = broadcast_4(x[a] + q_at + 4 * k);
          if constexpr (P::kSigned) q = _mm256_sign_epi8(q, four_columns);
          const __m256i products = _mm256_maddubs_epi16(magnitude, q);
          pairs[a] = k == run ? products : _mm256_add_epi16(pairs[a], products);
        }
      }
      WATTLE_UNROLL
      for (int a = 0; a < kBlock; ++a) {
        const __m256i quads = _mm256_madd_epi16(pairs[a], _mm256_set1_epi16(1));
        sums[0][a] = _mm256_add_epi32(sums[0][a], quads);
      }
    }
  }
};

using Loop = Matvec<DotMaddubs>;

}  // namespace

}  // namespace x86

const MatmulSet avx2::kMatmul{x86::kRows<x86::Simd256, x86::Loop>,
                              sizeof x86::kRows<x86::Simd256, x86::Loop> / sizeof(MatmulRow)};

}  // namespace wattle::kernels
