// SPDX-License-Identifier: Apache-2.0
// Rows of weights as floats with AVX2 and F16C. Products of scale and code are exact, so that what
// is rounded is the sum with the minimum, once, as in quant/decode.cpp.
#include "kernels/decode_row.h"
#include "kernels/x86/unpack.inl.h"

namespace wattle::kernels {
namespace x86 {
namespace {

// 8 of 32 codes.
template <class T>
WATTLE_INLINE __m256 floats_of_codes(__m256i codes, int eight) {
  const __m128i half =
      eight < 2 ? _mm256_castsi256_si128(codes) : _mm256_extracti128_si256(codes, 1);
  const __m128i bytes = eight % 2 == 0 ? half : _mm_unpackhi_epi64(half, half);
  return floats_of_signed_bytes(bytes);
}

template <class T>
WATTLE_INLINE void decode_32(__m256i codes, const float* scale, const float* min, float* out) {
  // Codes with an offset are below 64: signed bytes hold the difference.
  if constexpr (T::kOffset != 0)
    codes = _mm256_sub_epi8(codes, _mm256_set1_epi8(static_cast<int8_t>(T::kOffset)));
  WATTLE_UNROLL
  for (int i = 0; i < 4; ++i) {
    const int group = T::kGroup == 16 ? i / 2 : 0;
    const __m256 factor = _mm256_broadcast_ss(scale + group);
    const __m256 code = floats_of_codes<T>(codes, i);
    const __m256 value = T::kMin ? _mm256_fmadd_ps(factor, code, _mm256_broadcast_ss(min + group))
                                 : _mm256_mul_ps(factor, code);
    _mm256_storeu_ps(out + 8 * i, value);
  }
}

template <class T>
void decode_blocks_of_32(const std::byte* row, float* out, size_t n) noexcept {
  const auto* blocks = reinterpret_cast<const typename T::Block*>(row);
  const size_t n_blocks = n / 32;
  for (size_t b = 0; b < n_blocks; b += 4) {
    // Scales of four blocks at a time, of the last one where there are no more.
    const typename T::Block* four[4];
    for (size_t i = 0; i < 4; ++i) four[i] = blocks + (b + i < n_blocks ? b + i : n_blocks - 1);
    alignas(32) float scales[8];  // {scale, min} each
    _mm256_store_ps(scales, T::scales(four, 0));
    for (size_t i = 0; i < 4 && b + i < n_blocks; ++i) {
      decode_32<T>(codes_of_block<T>(*four[i], 0), scales + 2 * i, scales + 2 * i + 1,
                   out + 32 * (b + i));
    }
  }
}

template <class T>
void decode_blocks_of_256(const std::byte* row, float* out, size_t n) noexcept {
  const auto* blocks = reinterpret_cast<const typename T::Block*>(row);
  for (size_t b = 0; b < n / 256; ++b) {
    const SuperScales packed = T::scales(blocks[b]);
    alignas(32) float scale[16];
    alignas(32) float min[16];
    _mm256_store_ps(scale, packed.s[0]);
    _mm256_store_ps(scale + 8, packed.s[1]);
    _mm256_store_ps(min, packed.m[0]);
    _mm256_store_ps(min + 8, packed.m[1]);
    WATTLE_UNROLL
    for (int sub = 0; sub < 8; ++sub) {
      // Groups of 32 have {scale, min} next to each other, pairs of groups of 16 two of each.
      const float* const of_sub = scale + 2 * sub;
      decode_32<T>(codes_of_block<T>(blocks[b], sub), of_sub,
                   T::kGroup == 32 ? of_sub + 1 : min + 2 * sub, out + 256 * b + 32 * sub);
    }
  }
}

void decode_f32(const std::byte* row, float* out, size_t n) noexcept {
  __builtin_memcpy(out, row, n * sizeof(float));
}

void decode_f16(const std::byte* row, float* out, size_t n) noexcept {
  const auto* in = reinterpret_cast<const uint16_t*>(row);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, _mm256_cvtph_ps(load_as<__m128i_u>(in + i)));
  for (; i < n; ++i) out[i] = _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(in[i])));
}

void decode_bf16(const std::byte* row, float* out, size_t n) noexcept {
  const auto* in = reinterpret_cast<const uint16_t*>(row);
  for (size_t i = 0; i < n; ++i)
    out[i] = __builtin_bit_cast(float, static_cast<uint32_t>(in[i]) << 16);
}

}  // namespace
}  // namespace x86

const DecodeRowSet avx2::kDecodeRow{
    {x86::decode_f32, x86::decode_f16, x86::decode_blocks_of_32<x86::Q4_0>,
     x86::decode_blocks_of_32<x86::Q4_1>, x86::decode_blocks_of_32<x86::Q5_0>,
     x86::decode_blocks_of_32<x86::Q5_1>, x86::decode_blocks_of_32<x86::Q8_0>,
     x86::decode_blocks_of_256<x86::Q2_K>, x86::decode_blocks_of_256<x86::Q3_K>,
     x86::decode_blocks_of_256<x86::Q4_K>, x86::decode_blocks_of_256<x86::Q5_K>,
     x86::decode_blocks_of_256<x86::Q6_K>, x86::decode_blocks_of_32<x86::IQ4_NL>,
     x86::decode_blocks_of_256<x86::IQ4_XS>, x86::decode_bf16,
     x86::decode_blocks_of_32<x86::MXFP4>}};

}  // namespace wattle::kernels
