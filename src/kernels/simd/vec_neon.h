// SPDX-License-Identifier: Apache-2.0
// Vec for NEON as every aarch64 processor has it. What each function means: vec_avx2.h.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace wattle::kernels::neon {
namespace {

inline constexpr size_t kLanes = 4;
inline constexpr size_t kRegisters = 32;

struct Vec {
  float32x4_t v;
};

inline Vec operator+(Vec a, Vec b) { return {vaddq_f32(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {vsubq_f32(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {vmulq_f32(a.v, b.v)}; }
inline Vec operator/(Vec a, Vec b) { return {vdivq_f32(a.v, b.v)}; }

inline Vec broadcast(float x) { return {vdupq_n_f32(x)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
inline Vec min(Vec a, Vec b) { return {vminq_f32(a.v, b.v)}; }
inline Vec max(Vec a, Vec b) { return {vmaxq_f32(a.v, b.v)}; }
inline Vec max_bits(Vec a, Vec b) {
  return {vreinterpretq_f32_u32(vmaxq_u32(vreinterpretq_u32_f32(a.v), vreinterpretq_u32_f32(b.v)))};
}
inline Vec abs(Vec a) { return {vabsq_f32(a.v)}; }
inline Vec select_less(Vec a, Vec b, Vec yes, Vec no) {
  return {vbslq_f32(vcltq_f32(a.v, b.v), yes.v, no.v)};
}
inline Vec round(Vec a) { return {vrndnq_f32(a.v)}; }
inline Vec pow2_of_low_bits(Vec x) {
  const int32x4_t exponent = vshlq_n_s32(vreinterpretq_s32_f32(x.v), 23);
  return {vreinterpretq_f32_s32(vaddq_s32(exponent, vdupq_n_s32(127 << 23)))};
}

// ---- memory ----

inline Vec load(const float* p) { return {vld1q_f32(p)}; }
inline void store(float* p, Vec a) { vst1q_f32(p, a.v); }

inline Vec load_part(const float* p, size_t n, float fill = 0) {
  float lanes[kLanes] = {fill, fill, fill, fill};
  for (size_t i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
inline void store_part(float* p, size_t n, Vec a) {
  float lanes[kLanes];
  store(lanes, a);
  for (size_t i = 0; i < n; ++i) p[i] = lanes[i];
}

inline void load_pairs(const float* p, Vec& even, Vec& odd) {
  const float32x4x2_t pairs = vld2q_f32(p);
  even.v = pairs.val[0];
  odd.v = pairs.val[1];
}
inline void store_pairs(float* p, Vec even, Vec odd) { vst2q_f32(p, {{even.v, odd.v}}); }

inline Vec load_f16(const uint16_t* p) { return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))}; }
inline void store_f16(uint16_t* p, Vec a) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(a.v))); }
inline Vec load_i8(const int8_t* p) {
  int32_t bytes;
  __builtin_memcpy(&bytes, p, sizeof(bytes));
  const int8x8_t i8 = vreinterpret_s8_s32(vdup_n_s32(bytes));
  return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(i8))))};
}
inline void store_i8(int8_t* p, Vec a) {
  const int16x4_t i16 = vmovn_s32(vcvtq_s32_f32(a.v));
  const int32_t bytes = vget_lane_s32(vreinterpret_s32_s8(vmovn_s16(vcombine_s16(i16, i16))), 0);
  __builtin_memcpy(p, &bytes, sizeof(bytes));
}
inline Vec broadcast_f16(uint16_t bits) {
  return {vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(bits)))};
}
inline uint16_t to_f16(float x) {
  return vget_lane_u16(vreinterpret_u16_f16(vcvt_f16_f32(vdupq_n_f32(x))), 0);
}

// ---- across the lanes ----

inline void sum4(Vec a, Vec b, Vec c, Vec d, float* out) {
  vst1q_f32(out, vpaddq_f32(vpaddq_f32(a.v, b.v), vpaddq_f32(c.v, d.v)));
}
inline float first_lane(Vec a) { return vgetq_lane_f32(a.v, 0); }
inline float sum(Vec a) { return vaddvq_f32(a.v); }
inline uint32_t max_bits(Vec a) { return vmaxvq_u32(vreinterpretq_u32_f32(a.v)); }
inline float max(Vec a) { return vmaxvq_f32(a.v); }

}  // namespace
}  // namespace wattle::kernels::neon
