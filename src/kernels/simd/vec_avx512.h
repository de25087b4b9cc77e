// SPDX-License-Identifier: Apache-2.0
// Vec for AVX-512 F, BW, DQ and VL. What each function means: vec_avx2.h.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace wattle::kernels::avx512 {
namespace {

inline constexpr size_t kLanes = 16;
inline constexpr size_t kRegisters = 32;

struct Vec {
  __m512 v;
};

inline Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }

inline Vec broadcast(float x) { return {_mm512_set1_ps(x)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
inline Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Vec max_bits(Vec a, Vec b) {
  return {
      _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(a.v), _mm512_castps_si512(b.v)))};
}
inline Vec abs(Vec a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0F), a.v)}; }
inline Vec select_less(Vec a, Vec b, Vec yes, Vec no) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), no.v, yes.v)};
}
inline Vec round(Vec a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline Vec pow2_of_low_bits(Vec x) {
  const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(x.v), 23);
  return {_mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_set1_epi32(127 << 23)))};
}

// ---- memory ----

inline Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }

inline __mmask16 first_lanes(size_t n) { return static_cast<__mmask16>((1U << n) - 1); }
inline Vec load_part(const float* p, size_t n, float fill = 0) {
  return {_mm512_mask_loadu_ps(_mm512_set1_ps(fill), first_lanes(n), p)};
}
inline void store_part(float* p, size_t n, Vec a) { _mm512_mask_storeu_ps(p, first_lanes(n), a.v); }

inline void load_pairs(const float* p, Vec& even, Vec& odd) {
  const __m512i evens =
      _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odds = _mm512_add_epi32(evens, _mm512_set1_epi32(1));
  const __m512 a = _mm512_loadu_ps(p);
  const __m512 b = _mm512_loadu_ps(p + 16);
  even.v = _mm512_permutex2var_ps(a, evens, b);
  odd.v = _mm512_permutex2var_ps(a, odds, b);
}
inline void store_pairs(float* p, Vec even, Vec odd) {
  const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
  _mm512_storeu_ps(p, _mm512_permutex2var_ps(even.v, first, odd.v));
  _mm512_storeu_ps(p + 16, _mm512_permutex2var_ps(even.v, second, odd.v));
}

inline Vec load_f16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
inline void store_f16(uint16_t* p, Vec a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline Vec load_i8(const int8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))};
}
inline void store_i8(int8_t* p, Vec a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a.v)));
}
inline Vec broadcast_f16(uint16_t bits) {
  return {_mm512_cvtph_ps(_mm256_set1_epi16(static_cast<int16_t>(bits)))};
}
inline uint16_t to_f16(float x) {
  return static_cast<uint16_t>(_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(x), 0)));
}

// ---- across the lanes ----

inline __m256 sum_of_halves(Vec a) {
  return _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
}
inline void sum4(Vec a, Vec b, Vec c, Vec d, float* out) {
  const __m256 sums = _mm256_hadd_ps(_mm256_hadd_ps(sum_of_halves(a), sum_of_halves(b)),
                                     _mm256_hadd_ps(sum_of_halves(c), sum_of_halves(d)));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1)));
}
inline float first_lane(Vec a) { return _mm512_cvtss_f32(a.v); }
inline float sum(Vec a) { return _mm512_reduce_add_ps(a.v); }
inline uint32_t max_bits(Vec a) {
  return static_cast<uint32_t>(_mm512_reduce_max_epi32(_mm512_castps_si512(a.v)));
}
inline float max(Vec a) { return _mm512_reduce_max_ps(a.v); }

}  // namespace
}  // namespace wattle::kernels::avx512
