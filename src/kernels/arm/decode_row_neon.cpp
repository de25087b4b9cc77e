// SPDX-License-Identifier: Apache-2.0
// Rows of weights as floats with NEON. Products of scale and code are exact, so that what is
// rounded is the sum with the minimum, once, as in quant/decode.cpp.
#include "kernels/arm/unpack_256.inl.h"
#include "kernels/arm/unpack_32.inl.h"
#include "kernels/decode_row.h"

namespace wattle::kernels {
namespace arm {
namespace {

template <class T>
WATTLE_INLINE void decode_16(int8x16_t codes, float scale, float min, float* out) {
  const int16x8_t wide[2] = {vmovl_s8(vget_low_s8(codes)), vmovl_s8(vget_high_s8(codes))};
  for (int i = 0; i < 4; ++i) {
    const int16x4_t four = i % 2 == 0 ? vget_low_s16(wide[i / 2]) : vget_high_s16(wide[i / 2]);
    const float32x4_t code = vcvtq_f32_s32(vmovl_s16(four));
    vst1q_f32(out + 4 * i,
              T::kMin ? vfmaq_n_f32(vdupq_n_f32(min), code, scale) : vmulq_n_f32(code, scale));
  }
}

template <class T>
void decode_blocks_of_32(const std::byte* row, float* out, size_t n) noexcept {
  const auto* blocks = reinterpret_cast<Bytes>(row);
  const size_t n_blocks = n / 32;
  for (size_t b = 0; b < n_blocks; b += 4) {
    // Scales of four blocks at a time, of the last one where there are no more.
    Bytes at[4];
    for (size_t i = 0; i < 4; ++i) {
      at[i] = blocks + T::kBytes * (b + i < n_blocks ? b + i : n_blocks - 1);
    }
    const RowScales packed = T::next_scales(at);
    float scale[4];
    float min[4];
    vst1q_f32(scale, packed.s);
    vst1q_f32(min, packed.m);
    for (size_t i = 0; i < 4 && b + i < n_blocks; ++i) {
      const Codes codes = minus(T::next_raw(at[i]), T::kOffset);
      float* const to = out + 32 * (b + i);
      decode_16<T>(codes.low, scale[i], min[i], to);
      decode_16<T>(codes.high, scale[i], min[i], to + 16);
    }
  }
}

// Group kGroup of the first n of four blocks.
template <class T, int kGroup>
WATTLE_INLINE void decode_group32(const typename T::Block* const (&w)[4], size_t n,
                                  const FourHeaders& h, float* out) {
  float scale[4];
  float min[4];
  vst1q_f32(scale, vmulq_f32(T::template times_scale<kGroup>(vdupq_n_s32(1), h), h.d));
  if constexpr (T::kMin) vst1q_f32(min, vmulq_f32(T::template min<kGroup>(h), h.neg_dmin));
  for (size_t i = 0; i < n; ++i) {
    const Codes codes = T::template codes<kGroup>(w[i], T::template bytes<kGroup / 2>(w[i]));
    float* const to = out + 256 * i + 32 * kGroup;
    decode_16<T>(codes.low, scale[i], T::kMin ? min[i] : 0, to);
    decode_16<T>(codes.high, scale[i], T::kMin ? min[i] : 0, to + 16);
  }
}

template <class T>
void decode_groups_of_32(const std::byte* row, float* out, size_t n) noexcept {
  const auto* blocks = reinterpret_cast<const typename T::Block*>(row);
  const size_t n_blocks = n / 256;
  for (size_t b = 0; b < n_blocks; b += 4, out += 4 * 256) {
    // Headers of four blocks at a time, as above.
    const typename T::Block* w[4];
    for (size_t i = 0; i < 4; ++i) w[i] = blocks + (b + i < n_blocks ? b + i : n_blocks - 1);
    const FourHeaders h = T::header(w);
    const size_t here = n_blocks - b < 4 ? n_blocks - b : 4;
    decode_group32<T, 0>(w, here, h, out);
    decode_group32<T, 1>(w, here, h, out);
    decode_group32<T, 2>(w, here, h, out);
    decode_group32<T, 3>(w, here, h, out);
    decode_group32<T, 4>(w, here, h, out);
    decode_group32<T, 5>(w, here, h, out);
    decode_group32<T, 6>(w, here, h, out);
    decode_group32<T, 7>(w, here, h, out);
  }
}

// factor times each of 16 small integers.
WATTLE_INLINE void scaled(float factor, int8x16_t x, float (&out)[16]) {
  const int16x8_t wide[2] = {vmovl_s8(vget_low_s8(x)), vmovl_high_s8(x)};
  for (int i = 0; i < 2; ++i) {
    vst1q_f32(out + 8 * i, vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide[i]))), factor));
    vst1q_f32(out + 8 * i + 4, vmulq_n_f32(vcvtq_f32_s32(vmovl_high_s16(wide[i])), factor));
  }
}

template <class T, int kPart>
WATTLE_INLINE void decode_part16(const typename T::Block* b, const float (&scale)[16],
                                 const float (&min)[16], float* out) {
  const auto bytes = T::template bytes<kPart>(b);
  for (int h = 0; h < 2; ++h) {
    const FourRuns raw = T::template raw<kPart>(bytes, h);
    for (int k = 0; k < 4; ++k) {
      const int group = 8 * kPart + 2 * k + h;
      decode_16<T>(vsubq_s8(raw.run[k], vdupq_n_s8(T::kOffset)), scale[group], min[group],
                   out + 16 * group);
    }
  }
}

template <class T>
void decode_groups_of_16(const std::byte* row, float* out, size_t n) noexcept {
  const auto* b = reinterpret_cast<const typename T::Block*>(row);
  for (size_t i = 0; i < n / 256; ++i, ++b, out += 256) {
    const auto d = reinterpret_cast<Bytes>(&b->d);
    Bytes at[2] = {d, d};  // next_factors wants two blocks
    const RowScales factors = T::next_factors(at);
    float scale[16];
    float min[16] = {};
    scaled(vgetq_lane_f32(factors.s, 0), T::scales(b), scale);
    if constexpr (T::kMin) scaled(vgetq_lane_f32(factors.m, 0), T::mins(b), min);
    decode_part16<T, 0>(b, scale, min, out);
    decode_part16<T, 1>(b, scale, min, out);
  }
}

void decode_f32(const std::byte* row, float* out, size_t n) noexcept {
  __builtin_memcpy(out, row, n * sizeof(float));
}

void decode_f16(const std::byte* row, float* out, size_t n) noexcept {
  const auto* in = reinterpret_cast<const uint16_t*>(row);
  size_t i = 0;
  for (; i + 4 <= n; i += 4) vst1q_f32(out + i, floats(vld1_u16(in + i)));
  for (; i < n; ++i) out[i] = half(in[i]);
}

void decode_bf16(const std::byte* row, float* out, size_t n) noexcept {
  const auto* in = reinterpret_cast<const uint16_t*>(row);
  for (size_t i = 0; i < n; ++i)
    out[i] = __builtin_bit_cast(float, static_cast<uint32_t>(in[i]) << 16);
}

}  // namespace
}  // namespace arm

const DecodeRowSet neon::kDecodeRow{
    {arm::decode_f32, arm::decode_f16, arm::decode_blocks_of_32<arm::Q4_0>,
     arm::decode_blocks_of_32<arm::Q4_1>, arm::decode_blocks_of_32<arm::Q5_0>,
     arm::decode_blocks_of_32<arm::Q5_1>, arm::decode_blocks_of_32<arm::Q8_0>,
     arm::decode_groups_of_16<arm::Q2_K>, arm::decode_groups_of_16<arm::Q3_K>,
     arm::decode_groups_of_32<arm::Q4_K>, arm::decode_groups_of_32<arm::Q5_K>,
     arm::decode_groups_of_16<arm::Q6_K>, arm::decode_blocks_of_32<arm::IQ4_NL>,
     arm::decode_groups_of_32<arm::IQ4_XS>, arm::decode_bf16,
     arm::decode_blocks_of_32<arm::MXFP4>}};

}  // namespace wattle::kernels
