// SPDX-License-Identifier: Apache-2.0
// Runs of halves with AVX2 and F16C. A block has 16 values at most: they are rounded once, and
// codes look them up, the low bytes and the high ones.
#include "kernels/half_row.h"
#include "kernels/half_runs.h"
#include "kernels/x86/unpack.inl.h"

namespace wattle::kernels {
namespace x86 {
namespace {

// 32 codes, those of the low nibbles first.
WATTLE_INLINE __m256i nibbles(const quant::BlockQ4_0& block) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block.qs));
  const __m256i both = _mm256_set_m128i(_mm_srli_epi16(bytes, 4), bytes);
  return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

// Its bits.
WATTLE_INLINE uint32_t largest_of(const quant::BlockQ4_0& block) {
  const __m256i away = _mm256_abs_epi8(_mm256_sub_epi8(nibbles(block), _mm256_set1_epi8(8)));
  __m128i x = _mm_max_epu8(_mm256_castsi256_si128(away), _mm256_extracti128_si256(away, 1));
  // The least of what is left of 255: there is an instruction for eight words.
  x = _mm_max_epu8(x, _mm_srli_epi16(x, 8));
  x = _mm_minpos_epu16(_mm_sub_epi16(_mm_set1_epi16(255), _mm_and_si128(x, _mm_set1_epi16(255))));
  const int largest = 255 - (_mm_cvtsi128_si32(x) & 0xffff);
  const float product = _cvtsh_ss(block.d) * static_cast<float>(largest);
  return __builtin_bit_cast(uint32_t, product) & 0x7fffffffU;
}

}  // namespace
}  // namespace x86

float avx2::half_runs_q4_0(const std::byte* blocks, size_t n_blocks, std::byte* out,
                           size_t step) noexcept {
  const auto* const block = reinterpret_cast<const quant::BlockQ4_0*>(blocks);
  uint32_t largest = 0;
  for (size_t b = 0; b < n_blocks; ++b) {
    const uint32_t of_block = x86::largest_of(block[b]);
    if (of_block > largest) largest = of_block;
  }
  constexpr uint32_t kInfinity = 0x7f800000;
  if (largest >= kInfinity) return __builtin_nanf("");
  const int exponent = half_row_exponent(largest);
  const float up = power_of_two(exponent);
  const __m256 low_codes = _mm256_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1);
  const __m256 high_codes = _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7);
  // Of eight halves the low bytes, then the high ones.
  const __m128i split = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
  constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  for (size_t b = 0; b < n_blocks; ++b) {
    const __m256 scale = _mm256_set1_ps(_cvtsh_ss(block[b].d) * up);
    const __m128i a =
        _mm_shuffle_epi8(_mm256_cvtps_ph(_mm256_mul_ps(scale, low_codes), kNearest), split);
    const __m128i c =
        _mm_shuffle_epi8(_mm256_cvtps_ph(_mm256_mul_ps(scale, high_codes), kNearest), split);
    const __m256i low_bytes = _mm256_broadcastsi128_si256(_mm_unpacklo_epi64(a, c));
    const __m256i high_bytes = _mm256_broadcastsi128_si256(_mm_unpackhi_epi64(a, c));
    const __m256i codes = x86::nibbles(block[b]);
    const __m256i low = _mm256_shuffle_epi8(low_bytes, codes);
    const __m256i high = _mm256_shuffle_epi8(high_bytes, codes);
    const __m256i first = _mm256_unpacklo_epi8(low, high);   // 0-7 and 16-23
    const __m256i second = _mm256_unpackhi_epi8(low, high);  // 8-15 and 24-31
    auto* const to = reinterpret_cast<__m256i*>(out + b * step);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(first, second, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(first, second, 0x31));
  }
  return power_of_two(-exponent);
}

}  // namespace wattle::kernels
