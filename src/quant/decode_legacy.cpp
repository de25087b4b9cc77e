// SPDX-License-Identifier: Apache-2.0
// The first formats: 32 elements under one f16 scale, with or without an f16 minimum.
#include "base/half.h"
#include "quant/decode_blocks.h"

namespace wattle::quant {
namespace {

int bit(const uint8_t* bits, int i) noexcept { return bits[i / 8] >> (i % 8) & 1; }

}  // namespace

void decode_block(const BlockQ4_0& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  for (int i = 0; i < kBlockElems; ++i) out[i] = d * static_cast<float>(nibble32(b.qs, i) - 8);
}

void decode_block(const BlockQ4_1& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  const float m = f16_to_f32(b.m);
  for (int i = 0; i < kBlockElems; ++i) out[i] = d * static_cast<float>(nibble32(b.qs, i)) + m;
}

void decode_block(const BlockQ5_0& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  for (int i = 0; i < kBlockElems; ++i) {
    const int q = nibble32(b.qs, i) | bit(b.qh, i) << 4;
    out[i] = d * static_cast<float>(q - 16);
  }
}

void decode_block(const BlockQ5_1& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  const float m = f16_to_f32(b.m);
  for (int i = 0; i < kBlockElems; ++i) {
    const int q = nibble32(b.qs, i) | bit(b.qh, i) << 4;
    out[i] = d * static_cast<float>(q) + m;
  }
}

void decode_block(const BlockQ8_0& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  for (int i = 0; i < kBlockElems; ++i) out[i] = d * static_cast<float>(b.qs[i]);
}

}  // namespace wattle::quant
