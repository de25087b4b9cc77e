// SPDX-License-Identifier: Apache-2.0
// Runs of halves with NEON. A block has 16 values at most: they are rounded once, and codes look
// them up, the low bytes and the high ones.
#include "kernels/arm/unpack_32.inl.h"
#include "kernels/half_row.h"
#include "kernels/half_runs.h"

namespace wattle::kernels {
namespace arm {
namespace {

WATTLE_INLINE float scale_of(const quant::BlockQ4_0& block) {
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(block.d))), 0);
}

// Its bits.
WATTLE_INLINE uint32_t largest_of(const quant::BlockQ4_0& block) {
  const uint8x16_t bytes = vld1q_u8(block.qs);
  const uint8x16_t zero = vdupq_n_u8(8);  // the code of 0
  const uint8x16_t low = vabdq_u8(vandq_u8(bytes, vdupq_n_u8(15)), zero);
  const uint8x16_t high = vabdq_u8(vshrq_n_u8(bytes, 4), zero);
  const float product = scale_of(block) * static_cast<float>(vmaxvq_u8(vmaxq_u8(low, high)));
  return __builtin_bit_cast(uint32_t, product) & 0x7fffffffU;
}

WATTLE_INLINE uint8x16_t halves(float32x4_t a, float32x4_t b) {
  return vreinterpretq_u8_f16(vcvt_high_f16_f32(vcvt_f16_f32(a), b));
}

WATTLE_INLINE void store_values(uint8x16_t low_bytes, uint8x16_t high_bytes, uint8x16_t codes,
                                uint8_t* out) {
  const uint8x16_t low = vqtbl1q_u8(low_bytes, codes);
  const uint8x16_t high = vqtbl1q_u8(high_bytes, codes);
  vst1q_u8(out, vzip1q_u8(low, high));
  vst1q_u8(out + 16, vzip2q_u8(low, high));
}

}  // namespace
}  // namespace arm

float neon::half_runs_q4_0(const std::byte* blocks, size_t n_blocks, std::byte* out,
                           size_t step) noexcept {
  const auto* const block = reinterpret_cast<const quant::BlockQ4_0*>(blocks);
  uint32_t largest = 0;
  for (size_t b = 0; b < n_blocks; ++b) {
    const uint32_t of_block = arm::largest_of(block[b]);
    largest = of_block > largest ? of_block : largest;
  }
  constexpr uint32_t kInfinity = 0x7f800000;
  if (largest >= kInfinity) return __builtin_nanf("");
  const int exponent = half_row_exponent(largest);
  const float up = power_of_two(exponent);
  const float32x4_t codes[4] = {{-8, -7, -6, -5}, {-4, -3, -2, -1}, {0, 1, 2, 3}, {4, 5, 6, 7}};
  for (size_t b = 0; b < n_blocks; ++b) {
    const float scale = arm::scale_of(block[b]) * up;
    const uint8x16_t negative =
        arm::halves(vmulq_n_f32(codes[0], scale), vmulq_n_f32(codes[1], scale));
    const uint8x16_t positive =
        arm::halves(vmulq_n_f32(codes[2], scale), vmulq_n_f32(codes[3], scale));
    const uint8x16_t low_bytes = vuzp1q_u8(negative, positive);
    const uint8x16_t high_bytes = vuzp2q_u8(negative, positive);
    const uint8x16_t bytes = vld1q_u8(block[b].qs);
    auto* const to = reinterpret_cast<uint8_t*>(out + b * step);
    arm::store_values(low_bytes, high_bytes, vandq_u8(bytes, vdupq_n_u8(15)), to);
    arm::store_values(low_bytes, high_bytes, vshrq_n_u8(bytes, 4), to + 32);
  }
  return power_of_two(-exponent);
}

}  // namespace wattle::kernels
