// SPDX-License-Identifier: Apache-2.0
// Floats to ActFormat::q8 and ActFormat::bf16, and the size of activation rows.
#include <bit>
#include <cmath>
#include <cstring>

#include "base/assert.h"
#include "base/half.h"
#include "kernels/act_q8.h"
#include "kernels/matmul.h"

namespace wattle::kernels {

size_t act_row_bytes(ActFormat format, size_t n_cols) noexcept {
  if (format == ActFormat::f32) return (n_cols * sizeof(float) + 63) / 64 * 64;
  if (format == ActFormat::bf16) return (n_cols * sizeof(uint16_t) + 63) / 64 * 64;
  WATTLE_ASSERT(n_cols % kActGroup == 0);
  return (act_q8_layout(n_cols).end + 63) / 64 * 64;
}

namespace scalar {

void quantize_act(const float* x, size_t n_cols, std::byte* out) noexcept {
  const ActQ8 act = act_q8(out, n_cols);
  auto* q = const_cast<int8_t*>(act.q);
  auto* scale = const_cast<ActScale*>(act.scale);
  auto* neg_sum32 = const_cast<int32_t*>(act.neg_sum32);
  auto* neg_sum16 = const_cast<int32_t*>(act.neg_sum16);

  for (size_t g = 0; g < n_cols / kActGroup; ++g, x += kActGroup, q += kActGroup) {
    // The largest magnitude by the bits, as an integer: in this order NaN is above infinity, so
    // that neither can hide.
    uint32_t max_bits = 0;
    for (size_t i = 0; i < kActGroup; ++i) {
      const uint32_t bits = std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu;
      max_bits = bits > max_bits ? bits : max_bits;
    }
    const float max = std::bit_cast<float>(max_bits);
    // Groups so small that 127 / max would overflow count as zero. (A NaN goes through.)
    const bool zero = max < 0x1p-119f;
    const float inverse = zero ? 0 : 127.0f / max;

    int32_t sums[2] = {0, 0};
    for (size_t i = 0; i < kActGroup; ++i) {
      const float code = std::nearbyint(x[i] * inverse);
      const float clamped = code > -127 ? code : -127;  // also what a NaN becomes
      q[i] = static_cast<int8_t>(clamped);
      sums[i / 16] += q[i];
    }
    scale[g].scale = zero ? 0 : max / 127.0f;
    scale[g].scale_sum = scale[g].scale * static_cast<float>(sums[0] + sums[1]);
    neg_sum32[g] = -(sums[0] + sums[1]);
    neg_sum16[2 * g] = -sums[0];
    neg_sum16[2 * g + 1] = -sums[1];
  }
  std::memset(q, 0, act_q8_layout(n_cols).scale - n_cols);
}

void round_act(const float* x, size_t n_cols, std::byte* out) noexcept {
  auto* const rounded = reinterpret_cast<uint16_t*>(out);
  for (size_t i = 0; i < n_cols; ++i) rounded[i] = f32_to_bf16(x[i]);
  const size_t used = n_cols * sizeof(uint16_t);
  std::memset(out + used, 0, act_row_bytes(ActFormat::bf16, n_cols) - used);
}

}  // namespace scalar
}  // namespace wattle::kernels
