// SPDX-License-Identifier: Apache-2.0
// ActFormat::q8 with NEON: the arithmetic of scalar/quantize_act.cpp, step for step.
#include <arm_neon.h>

#include "kernels/act_q8.h"
#include "kernels/matmul.h"

namespace wattle::kernels {

void neon::quantize_act(const float* x, size_t n_cols, std::byte* out) noexcept {
  const ActQ8 act = act_q8(out, n_cols);
  auto* q = const_cast<int8_t*>(act.q);
  auto* scale = const_cast<ActScale*>(act.scale);
  auto* neg_sum32 = const_cast<int32_t*>(act.neg_sum32);
  auto* neg_sum16 = const_cast<int32_t*>(act.neg_sum16);

  for (size_t g = 0; g < n_cols / kActGroup; ++g, x += kActGroup, q += kActGroup) {
    // The largest magnitude by the bits, as an integer: neither NaN nor infinity can hide.
    float32x4_t v[8];
    uint32x4_t max_bits = vdupq_n_u32(0);
    for (int i = 0; i < 8; ++i) {
      v[i] = vld1q_f32(x + 4 * i);
      max_bits = vmaxq_u32(max_bits, vreinterpretq_u32_f32(vabsq_f32(v[i])));
    }
    const float max = vgetq_lane_f32(vreinterpretq_f32_u32(vdupq_n_u32(vmaxvq_u32(max_bits))), 0);
    const bool zero = max < 0x1p-119F;
    const float inverse = zero ? 0 : 127.0F / max;

    int16x8_t codes[4];
    for (int i = 0; i < 4; ++i) {
      // The larger number: a NaN becomes -127.
      const float32x4_t low = vmaxnmq_f32(vmulq_n_f32(v[2 * i], inverse), vdupq_n_f32(-127));
      const float32x4_t high = vmaxnmq_f32(vmulq_n_f32(v[2 * i + 1], inverse), vdupq_n_f32(-127));
      codes[i] = vcombine_s16(vmovn_s32(vcvtnq_s32_f32(low)), vmovn_s32(vcvtnq_s32_f32(high)));
    }
    const int8x16_t first = vcombine_s8(vmovn_s16(codes[0]), vmovn_s16(codes[1]));
    const int8x16_t second = vcombine_s8(vmovn_s16(codes[2]), vmovn_s16(codes[3]));
    vst1q_s8(q, first);
    vst1q_s8(q + 16, second);

    const int32_t sums[2] = {vaddlvq_s8(first), vaddlvq_s8(second)};
    scale[g].scale = zero ? 0 : max / 127.0F;
    scale[g].scale_sum = scale[g].scale * static_cast<float>(sums[0] + sums[1]);
    neg_sum32[g] = -(sums[0] + sums[1]);
    neg_sum16[2 * g] = -sums[0];
    neg_sum16[2 * g + 1] = -sums[1];
  }
  if (n_cols % 64 != 0) __builtin_memset(q, 0, 64 - n_cols % 64);
}

}  // namespace wattle::kernels
