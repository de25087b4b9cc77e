// SPDX-License-Identifier: Apache-2.0
// Matrix products with AVX-512 VNNI: one instruction multiplies and adds four bytes in each lane.
#include "kernels/x86/matmul_rows.inl.h"
#include "kernels/x86/matvec_512.inl.h"
#include "kernels/x86/matvec_q8.inl.h"
#include "kernels/x86/simd512.inl.h"

namespace wattle::kernels {
namespace x86 {
namespace {

struct Simd512Vnni : Simd512 {
  static constexpr int kVecs = 2;
  static constexpr int kRows = 16 * kVecs;
  static constexpr int kActs = 6;
  static constexpr int kActs16 = 5;

  // The instruction wants unsigned codes: signed ones are moved up by 128. And it adds four
  // products whatever they are, so that all eight bits of a code may be used.
  template <class T>
  static constexpr bool kMultiply = requires { T::kMultipliedOffset; };
  template <class T>
  static constexpr int offset() {
    if constexpr (kMultiply<T>) return T::kMultipliedOffset;
    return T::kSigned ? 128 : T::kOffset;
  }
  template <class T>
  using Packed =
      PackedType<kMultiply<T> ? 32 : T::kGroup, T::kMin ? T::kGroup : 0, offset<T>(), 255, false>;

  template <class P, int kSteps, int kBlock>
  WATTLE_INLINE static void dot(const std::byte* w, const ActRows<kBlock>& x, size_t q_at,
                                size_t neg_sum_at, Ints (&sums)[kVecs][kBlock]) {
    WATTLE_UNROLL
    for (int a = 0; a < kBlock; ++a) {
      const Ints first = start<P::kOffset>(x[a] + neg_sum_at);
      WATTLE_UNROLL
      for (int v = 0; v < kVecs; ++v) sums[v][a] = first;
    }
    WATTLE_UNROLL
    for (size_t k = 0; k < kSteps; ++k) {
      Ints four_columns[kVecs];
      WATTLE_UNROLL
      for (size_t v = 0; v < kVecs; ++v) four_columns[v] = codes(w + 64 * (kVecs * k + v));
      WATTLE_UNROLL
      for (int a = 0; a < kBlock; ++a) {
        const Ints q = broadcast_4(x[a] + q_at + 4 * k);
        WATTLE_UNROLL
        for (int v = 0; v < kVecs; ++v)
          sums[v][a] = _mm512_dpbusd_epi32(sums[v][a], four_columns[v], q);
      }
    }
  }
};

// With 256 bits, for what Loop below does not give to the 512-bit loop: types with a minimum,
// K-quants, IQ4_XS, Q8_0, MXFP4, and rows that are no multiple of 128 columns.
struct DotVnni {
  template <class T>
  WATTLE_INLINE static __m256i start(__m256i x) {
    constexpr int kOffset = T::kSigned ? 128 : T::kOffset;
    const __m256i zero = _mm256_setzero_si256();
    if constexpr (kOffset == 0) return zero;
    const __m256i offset = _mm256_set1_epi8(static_cast<int8_t>(kOffset));
    return _mm256_sub_epi32(zero, _mm256_dpbusd_epi32(zero, offset, x));
  }

  template <class T>
  WATTLE_INLINE static __m256i dot(__m256i codes, __m256i x, __m256i start) {
    if constexpr (T::kSigned) codes = _mm256_xor_si256(codes, _mm256_set1_epi8(-128));
    return _mm256_dpbusd_epi32(start, codes, x);
  }
};

// The 512-bit loop takes whole runs of 128 columns, and no type with a minimum: with both, SmolLM2
// (Q4_1, 576 columns) lost a tenth to a fifth of its decode on two threads.
struct Loop {
  template <class T, int kActs>
  static void four_rows(const MatmulArgs& args, size_t act, size_t row, size_t end) {
    if constexpr (requires { typename Wide<T>::Four; }) {
      if (args.n_cols % 128 == 0) return four_rows_of_wide_blocks32<T, kActs>(args, act, row, end);
    }
    Matvec<DotVnni>::four_rows<T, kActs>(args, act, row, end);
  }
};

}  // namespace

}  // namespace x86

const MatmulSet avx512vnni::kMatmul{
    x86::kRows<x86::Simd512Vnni, x86::Loop>,
    sizeof x86::kRows<x86::Simd512Vnni, x86::Loop> / sizeof(MatmulRow)};

}  // namespace wattle::kernels
