// SPDX-License-Identifier: Apache-2.0
// Matrix products with AVX-512 F, BW, DQ, VL, without VNNI.
#include "kernels/x86/dot_maddubs.inl.h"
#include "kernels/x86/matmul_rows.inl.h"
#include "kernels/x86/matvec_q8.inl.h"
#include "kernels/x86/simd512.inl.h"

namespace wattle::kernels {
namespace x86 {
namespace {

struct Simd512Maddubs : Simd512 {
  static constexpr int kVecs = 1;
  static constexpr int kRows = 16;
  static constexpr int kActs = 8;
  static constexpr int kActs16 = 8;

  template <class T>
  using Packed =
      PackedType<T::kGroup, T::kMin ? T::kGroup : 0, T::kOffset, T::kMaxCode, T::kSigned>;

  template <class P, int kSteps, int kBlock>
  WATTLE_INLINE static void dot(const std::byte* w, const ActRows<kBlock>& x, size_t q_at,
                                size_t neg_sum_at, Ints (&sums)[kVecs][kBlock]) {
    constexpr int kRun = steps_in_16_bits(P::kMaxCode, kSteps);
    WATTLE_UNROLL
    for (int a = 0; a < kBlock; ++a) sums[0][a] = start<P::kOffset>(x[a] + neg_sum_at);
    WATTLE_UNROLL
    for (size_t run = 0; run < kSteps; run += kRun) {
      __m512i pairs[kBlock];
      WATTLE_UNROLL
      for (size_t k = run; k < run + kRun; ++k) {
        const __m512i four_columns = codes(w + 64 * k);
        __m512i magnitude = four_columns;
        __mmask64 negative = 0;
        if constexpr (P::kSigned) {
          magnitude = _mm512_abs_epi8(four_columns);
          negative = _mm512_movepi8_mask(four_columns);
        }
        WATTLE_UNROLL
        for (int a = 0; a < kBlock; ++a) {
          __m512i q = broadcast_4(x[a] + q_at + 4 * k);
          if constexpr (P::kSigned)
            q = _mm512_mask_sub_epi8(q, negative, _mm512_setzero_si512(), q);
          const __m512i products = _mm512_maddubs_epi16(magnitude, q);
          pairs[a] = k == run ? products : _mm512_add_epi16(pairs[a], products);
        }
      }
      WATTLE_UNROLL
      for (int a = 0; a < kBlock; ++a) {
        const __m512i quads = _mm512_madd_epi16(pairs[a], _mm512_set1_epi16(1));
        sums[0][a] = _mm512_add_epi32(sums[0][a], quads);
      }
    }
  }
};

using Loop = Matvec<DotMaddubs>;

}  // namespace

}  // namespace x86

const MatmulSet avx512::kMatmul{
    x86::kRows<x86::Simd512Maddubs, x86::Loop>,
    sizeof x86::kRows<x86::Simd512Maddubs, x86::Loop> / sizeof(MatmulRow)};

}  // namespace wattle::kernels
