// SPDX-License-Identifier: Apache-2.0
// ActFormat::q8 with AVX2: the arithmetic of scalar/quantize_act.cpp, step for step.
#include "kernels/act_q8.h"
#include "kernels/matmul.h"
#include "kernels/x86/unpack.inl.h"

namespace wattle::kernels {
namespace x86 {
namespace {

// The largest of 8 lanes, as integers.
WATTLE_INLINE int32_t largest(__m256i v) {
  __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
  return _mm_cvtsi128_si32(m);
}

}  // namespace
}  // namespace x86

void avx2::quantize_act(const float* x, size_t n_cols, std::byte* out) noexcept {
  const ActQ8Layout at = act_q8_layout(n_cols);
  auto* q = reinterpret_cast<int8_t*>(out);
  auto* scale = reinterpret_cast<float*>(out + at.scale);  // pairs
  auto* neg_sum32 = reinterpret_cast<int32_t*>(out + at.neg_sum32);
  auto* neg_sum16 = reinterpret_cast<int32_t*>(out + at.neg_sum16);

  for (size_t g = 0; g < n_cols / kActGroup; ++g, x += kActGroup) {
    __m256 v[4];
    __m256i max_bits = _mm256_setzero_si256();
    WATTLE_UNROLL
    for (int i = 0; i < 4; ++i) {
      v[i] = _mm256_loadu_ps(x + 8 * i);
      const __m256i bits =
          _mm256_and_si256(_mm256_castps_si256(v[i]), _mm256_set1_epi32(0x7fffffff));
      max_bits = _mm256_max_epi32(max_bits, bits);
    }
    const float max = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(x86::largest(max_bits))));
    const bool zero = max < 0x1p-119f;
    const float inverse = zero ? 0 : 127.0f / max;

    __m256i code[4];
    WATTLE_UNROLL
    for (int i = 0; i < 4; ++i) {
      const __m256 product = _mm256_mul_ps(v[i], _mm256_set1_ps(inverse));
      // A NaN takes the second operand.
      const __m256 clamped = _mm256_max_ps(product, _mm256_set1_ps(-127));
      code[i] = _mm256_cvtps_epi32(clamped);
    }
    // Packing works within halves of 128 bits and leaves runs of four codes to put in order.
    const __m256i halves = _mm256_packs_epi16(_mm256_packs_epi32(code[0], code[1]),
                                              _mm256_packs_epi32(code[2], code[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i codes = _mm256_permutevar8x32_epi32(halves, order);
    _mm256_store_si256(reinterpret_cast<__m256i*>(q + g * kActGroup), codes);

    // |-127 - 127| fits 16 bits, four of them 32.
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), codes);
    const __m256i quads = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    const __m256i eights = _mm256_hadd_epi32(quads, quads);
    const __m256i sixteens = _mm256_hadd_epi32(eights, eights);
    const int32_t low = _mm256_extract_epi32(sixteens, 0);
    const int32_t high = _mm256_extract_epi32(sixteens, 4);
    const float group_scale = zero ? 0 : max / 127.0f;
    scale[2 * g] = group_scale;
    scale[2 * g + 1] = group_scale * static_cast<float>(low + high);
    neg_sum32[g] = -(low + high);
    neg_sum16[2 * g] = -low;
    neg_sum16[2 * g + 1] = -high;
  }
  if (n_cols % 64 != 0)
    _mm256_store_si256(reinterpret_cast<__m256i*>(q + n_cols), _mm256_setzero_si256());
}

}  // namespace wattle::kernels
