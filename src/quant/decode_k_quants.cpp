// SPDX-License-Identifier: Apache-2.0
// K-quants: 256 elements in groups of 16 or 32; each group has a small integer scale (and minimum)
// that multiplies the f16 scale of the whole block. Element order: i = 128 n + 32 k + l, where the
// 32 bytes of one plane hold the same l for several k in different bits.
#include "base/half.h"
#include "quant/decode_blocks.h"

namespace wattle::quant {
namespace {

struct ScaleMin {
  int scale;
  int min;
};

// The 6-bit scale and minimum of group g of Q4_K and Q5_K. The first four groups have theirs in the
// low 6 bits of a byte each; the other four take a nibble from the last bytes and their top two
// bits from what the first four left over.
ScaleMin scale_min(const uint8_t* s, int g) noexcept {
  if (g < 4) return {s[g] & 63, s[g + 4] & 63};
  return {(s[g + 4] & 15) | (s[g - 4] >> 6) << 4, (s[g + 4] >> 4) | (s[g] >> 6) << 4};
}

// Factors in the order of the reference: all products are exact, but the sign of a zero is decided
// by the float product, which an integer product scale * q would lose.
float symmetric(float d, int scale, int q) noexcept {
  return d * static_cast<float>(scale) * static_cast<float>(q);
}

float affine(float d, float dmin, ScaleMin group, int q) noexcept {
  return symmetric(d, group.scale, q) - dmin * static_cast<float>(group.min);
}

}  // namespace

void decode_block(const BlockQ2_K& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  const float dmin = f16_to_f32(b.dmin);
  for (int i = 0; i < kSuperBlockElems; ++i) {
    const int q = b.qs[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32)) & 3;
    const ScaleMin group{b.scales[i / 16] & 15, b.scales[i / 16] >> 4};
    out[i] = affine(d, dmin, group, q);
  }
}

void decode_block(const BlockQ3_K& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  for (int i = 0; i < kSuperBlockElems; ++i) {
    const int low = b.qs[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32)) & 3;
    const int q = low - ((b.hmask[i % 32] >> (i / 32) & 1) != 0 ? 0 : 4);
    const int g = i / 16;
    const int scale_low = b.scales[g % 8] >> (4 * (g / 8)) & 15;
    const int scale_high = b.scales[8 + g % 4] >> (2 * (g / 4)) & 3;
    const int scale = (scale_low | scale_high << 4) - 32;
    out[i] = symmetric(d, scale, q);
  }
}

void decode_block(const BlockQ4_K& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  const float dmin = f16_to_f32(b.dmin);
  for (int i = 0; i < kSuperBlockElems; ++i) {
    const int g = i / 32;
    const int q = b.qs[32 * (g / 2) + i % 32] >> (4 * (g % 2)) & 15;
    out[i] = affine(d, dmin, scale_min(b.scales, g), q);
  }
}

void decode_block(const BlockQ5_K& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  const float dmin = f16_to_f32(b.dmin);
  for (int i = 0; i < kSuperBlockElems; ++i) {
    const int g = i / 32;
    const int low = b.qs[32 * (g / 2) + i % 32] >> (4 * (g % 2)) & 15;
    const int q = low | (b.qh[i % 32] >> g & 1) << 4;
    out[i] = affine(d, dmin, scale_min(b.scales, g), q);
  }
}

void decode_block(const BlockQ6_K& b, float* out) noexcept {
  const float d = f16_to_f32(b.d);
  for (int i = 0; i < kSuperBlockElems; ++i) {
    const int n = i / 128;
    const int k = i % 128 / 32;
    const int l = i % 32;
    const int low = b.ql[64 * n + 32 * (k % 2) + l] >> (4 * (k / 2)) & 15;
    const int high = b.qh[32 * n + l] >> (2 * k) & 3;
    const int q = (low | high << 4) - 32;
    out[i] = symmetric(d, b.scales[i / 16], q);
  }
}

}  // namespace wattle::quant
