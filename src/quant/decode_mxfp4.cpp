// SPDX-License-Identifier: Apache-2.0
// MXFP4 of the OCP microscaling formats: E2M1 codes under one power-of-two scale (E8M0).
#include <bit>

#include "quant/decode_blocks.h"

namespace wattle::quant {
namespace {

// 2^(e - 128): half the scale, because the table holds doubled values. The two smallest are
// subnormal floats; e = 255 (NaN in the OCP text) is taken as 2^127 like any other, as ggml does.
float half_scale(uint8_t e) noexcept {
  const uint32_t bits = e < 2 ? 0x00200000u << e : static_cast<uint32_t>(e - 1) << 23;
  return std::bit_cast<float>(bits);
}

}  // namespace

void decode_block(const BlockMXFP4& b, float* out) noexcept {
  const float d = half_scale(b.e);
  for (int i = 0; i < kBlockElems; ++i) {
    out[i] = d * static_cast<float>(kMXFP4DoubledValues[nibble32(b.qs, i)]);
  }
}

}  // namespace wattle::quant
