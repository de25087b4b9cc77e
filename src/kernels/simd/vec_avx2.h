// SPDX-License-Identifier: Apache-2.0
// Vec: the few vector operations that simd/elementwise.inl.h and simd/attention.inl.h are written
// in, here for AVX2, FMA and F16C. vec_avx512.h and vec_neon.h offer the same; comments are here.
// Everything has internal linkage, so that no other file can pick up code of this instruction set.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace wattle::kernels::avx2 {
namespace {

inline constexpr size_t kLanes = 8;
inline constexpr size_t kRegisters = 16;

struct Vec {
  __m256 v;
};

inline Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }

inline Vec broadcast(float x) { return {_mm256_set1_ps(x)}; }
// a * b + c, rounded once.
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
// A NaN in b is kept, one in a need not be.
inline Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
inline Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
// The same where neither is negative, with NaN above all others: by the bits, as integers.
inline Vec max_bits(Vec a, Vec b) {
  return {
      _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(a.v), _mm256_castps_si256(b.v)))};
}
inline Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v)}; }
// Lane by lane a < b ? yes : no.
inline Vec select_less(Vec a, Vec b, Vec yes, Vec no) {
  return {_mm256_blendv_ps(no.v, yes.v, _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ))};
}
// To an integer, ties to even.
inline Vec round(Vec a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
// 2^n where x = 1.5 * 2^23 + n: n lies in the low bits of x. n = -127 gives 0, 128 infinity.
inline Vec pow2_of_low_bits(Vec x) {
  const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(x.v), 23);
  return {_mm256_castsi256_ps(_mm256_add_epi32(exponent, _mm256_set1_epi32(127 << 23)))};
}

// ---- memory; nothing needs alignment ----

inline Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
inline void store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }

inline __m256i first_lanes(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
// The first n < kLanes elements; the other lanes are `fill` or stay unwritten.
inline Vec load_part(const float* p, size_t n, float fill = 0) {
  const __m256i mask = first_lanes(n);
  return {_mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(p, mask),
                           _mm256_castsi256_ps(mask))};
}
inline void store_part(float* p, size_t n, Vec a) { _mm256_maskstore_ps(p, first_lanes(n), a.v); }

// Elements 0, 2, 4, ... and 1, 3, 5, ... of 2 * kLanes.
inline void load_pairs(const float* p, Vec& even, Vec& odd) {
  const __m256 a = _mm256_loadu_ps(p);
  const __m256 b = _mm256_loadu_ps(p + 8);
  const __m256 lo = _mm256_permute2f128_ps(a, b, 0x20);
  const __m256 hi = _mm256_permute2f128_ps(a, b, 0x31);
  even.v = _mm256_shuffle_ps(lo, hi, 0x88);
  odd.v = _mm256_shuffle_ps(lo, hi, 0xdd);
}
inline void store_pairs(float* p, Vec even, Vec odd) {
  const __m256 lo = _mm256_unpacklo_ps(even.v, odd.v);
  const __m256 hi = _mm256_unpackhi_ps(even.v, odd.v);
  _mm256_storeu_ps(p, _mm256_permute2f128_ps(lo, hi, 0x20));
  _mm256_storeu_ps(p + 8, _mm256_permute2f128_ps(lo, hi, 0x31));
}

inline Vec load_f16(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
inline void store_f16(uint16_t* p, Vec a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline Vec load_i8(const int8_t* p) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))};
}
// Integers in [-127, 127].
inline void store_i8(int8_t* p, Vec a) {
  const __m256i i32 = _mm256_cvtps_epi32(a.v);
  const __m128i i16 =
      _mm_packs_epi32(_mm256_castsi256_si128(i32), _mm256_extracti128_si256(i32, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(i16, i16));
}
inline Vec broadcast_f16(uint16_t bits) {
  return {_mm256_cvtph_ps(_mm_set1_epi16(static_cast<int16_t>(bits)))};
}
inline uint16_t to_f16(float x) {
  return static_cast<uint16_t>(_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(x), 0)));
}

// ---- across the lanes ----

// out[i] = sum of the lanes of the i-th argument; the same order for each.
inline void sum4(Vec a, Vec b, Vec c, Vec d, float* out) {
  const __m256 sums = _mm256_hadd_ps(_mm256_hadd_ps(a.v, b.v), _mm256_hadd_ps(c.v, d.v));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1)));
}
inline float first_lane(Vec a) { return _mm256_cvtss_f32(a.v); }
inline float sum(Vec a) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
inline uint32_t max_bits(Vec a) {
  const __m256i bits = _mm256_castps_si256(a.v);
  __m128i x = _mm_max_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
  x = _mm_max_epi32(x, _mm_shuffle_epi32(x, 0x4e));
  x = _mm_max_epi32(x, _mm_shuffle_epi32(x, 0xb1));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(x));
}
inline float max(Vec a) {
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}

}  // namespace
}  // namespace wattle::kernels::avx2
