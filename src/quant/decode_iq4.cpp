// SPDX-License-Identifier: Apache-2.0
// IQ4_NL and IQ4_XS: four-bit codes into a table of unevenly spaced values.
#include "base/half.h"
#include "quant/decode_blocks.h"

namespace wattle::quant {

void decode_block(const BlockIQ4_NL& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  for (int i = 0; i < kBlockElems; ++i) {
    out[i] = d * static_cast<float>(kIQ4Values[nibble32(b.qs, i)]);
  }
}

void decode_block(const BlockIQ4_XS& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  for (int g = 0; g < kSuperBlockElems / 32; ++g) {
    const int low = b.scales_l[g / 2] >> (4 * (g % 2)) & 15;
    const int high = b.scales_h >> (2 * g) & 3;
    const float scale = d * static_cast<float>((low | high << 4) - 32);
    for (int i = 0; i < 32; ++i) {
      out[32 * g + i] = scale * static_cast<float>(kIQ4Values[nibble32(b.qs + 16 * g, i)]);
    }
  }
}

}  // namespace wattle::quant
