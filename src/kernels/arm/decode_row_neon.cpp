// SPDX-License-Identifier: Apache-2.0
// Rows of weights as floats with NEON. Products of scale and code are exact, so that what is
// rounded is the sum with the minimum, once, as in quant/decode.cpp.
#include "kernels/arm/unpack.inl.h"
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
  const auto* blocks = reinterpret_cast<const typename T::Block*>(row);
  const size_t n_blocks = n / 32;
  for (size_t b = 0; b < n_blocks; b += 4) {
    // Scales of four blocks at a time, of the last one where there are no more.
    const typename T::Block* four[4];
    for (size_t i = 0; i < 4; ++i) four[i] = blocks + (b + i < n_blocks ? b + i : n_blocks - 1);
    const RowScales packed = T::scales(four, 0);
    float scale[4];
    float min[4];
    vst1q_f32(scale, packed.s);
    vst1q_f32(min, packed.m);
    for (size_t i = 0; i < 4 && b + i < n_blocks; ++i) {
      const Codes codes = T::codes(*four[i], 0);
      float* const to = out + 32 * (b + i);
      decode_16<T>(codes.low, scale[i], min[i], to);
      decode_16<T>(codes.high, scale[i], min[i], to + 16);
    }
  }
}

template <class T>
void decode_blocks_of_256(const std::byte* row, float* out, size_t n) noexcept {
  const auto* blocks = reinterpret_cast<const typename T::Block*>(row);
  for (size_t b = 0; b < n / 256; ++b) {
    const SuperScales packed = T::scales(blocks[b]);
    float scale[16] = {};
    float min[16] = {};
    for (int i = 0; i < 256 / T::kGroup / 4; ++i) {
      vst1q_f32(scale + 4 * i, packed.s[i]);
      if constexpr (T::kMin) vst1q_f32(min + 4 * i, packed.m[i]);
    }
    for (int sub = 0; sub < 8; ++sub) {
      const Codes codes = T::codes(blocks[b], sub);
      const int low = T::kGroup == 16 ? 2 * sub : sub;
      const int high = T::kGroup == 16 ? 2 * sub + 1 : sub;
      float* const to = out + 256 * b + 32 * sub;
      decode_16<T>(codes.low, scale[low], min[low], to);
      decode_16<T>(codes.high, scale[high], min[high], to + 16);
    }
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
     arm::decode_blocks_of_256<arm::Q2_K>, arm::decode_blocks_of_256<arm::Q3_K>,
     arm::decode_blocks_of_256<arm::Q4_K>, arm::decode_blocks_of_256<arm::Q5_K>,
     arm::decode_blocks_of_256<arm::Q6_K>, arm::decode_blocks_of_32<arm::IQ4_NL>,
     arm::decode_blocks_of_256<arm::IQ4_XS>, arm::decode_bf16,
     arm::decode_blocks_of_32<arm::MXFP4>}};

}  // namespace wattle::kernels
