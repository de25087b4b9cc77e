// SPDX-License-Identifier: Apache-2.0
#include "quant/encode.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/assert.h"
#include "base/half.h"
#include "quant/blocks.h"

namespace wattle::quant {
namespace {

// 1 / d, or 0 for a block of zeros: the codes are computed with the unrounded scale, which is what
// the reference does and what files in the wild were made with.
float reciprocal(float d) noexcept { return d == 0.0f ? 0.0f : 1.0f / d; }

uint8_t nibble(float rounded) noexcept {
  return static_cast<uint8_t>(std::clamp(static_cast<int>(rounded), 0, 15));
}

void encode_block(const float* x, BlockQ8_0& b) noexcept {
  float largest = 0.0f;
  for (int i = 0; i < kBlockElems; ++i) largest = std::max(largest, std::fabs(x[i]));
  const float d = largest / 127.0f;
  const float inverse = reciprocal(d);
  b.d = f32_to_f16(d);
  for (int i = 0; i < kBlockElems; ++i) {
    b.qs[i] = static_cast<int8_t>(std::round(x[i] * inverse));  // half away from zero
  }
}

// The element of largest magnitude becomes exactly -8 d, so one of the 16 codes is never wasted.
void encode_block(const float* x, BlockQ4_0& b) noexcept {
  float extreme = 0.0f;
  for (int i = 0; i < kBlockElems; ++i) {
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  }
  const float d = extreme / -8.0f;
  const float inverse = reciprocal(d);
  b.d = f32_to_f16(d);
  for (int i = 0; i < 16; ++i) {
    const uint8_t low = nibble(x[i] * inverse + 8.5f);
    const uint8_t high = nibble(x[i + 16] * inverse + 8.5f);
    b.qs[i] = static_cast<uint8_t>(low | high << 4);
  }
}

void encode_block(const float* x, BlockQ4_1& b) noexcept {
  const auto [min, max] = std::minmax_element(x, x + kBlockElems);
  const float d = (*max - *min) / 15.0f;
  const float inverse = reciprocal(d);
  b.d = f32_to_f16(d);
  b.m = f32_to_f16(*min);
  for (int i = 0; i < 16; ++i) {
    const uint8_t low = nibble((x[i] - *min) * inverse + 0.5f);
    const uint8_t high = nibble((x[i + 16] - *min) * inverse + 0.5f);
    b.qs[i] = static_cast<uint8_t>(low | high << 4);
  }
}

template <class Block>
void encode_row(const float* x, std::byte* out, size_t n) noexcept {
  auto* blocks = reinterpret_cast<Block*>(out);
  for (size_t b = 0; b < n / kBlockElems; ++b) encode_block(x + b * kBlockElems, blocks[b]);
}

}  // namespace

bool can_quantize(DType type) noexcept {
  switch (type) {
    case DType::f32:
    case DType::f16:
    case DType::bf16:
    case DType::q8_0:
    case DType::q4_0:
    case DType::q4_1: return true;
    default: return false;
  }
}

void quantize_row(DType type, const float* x, std::byte* out, size_t n) noexcept {
  WATTLE_ASSERT(can_quantize(type) && n % dtype_info(type).block_elems == 0);
  auto* halves = reinterpret_cast<uint16_t*>(out);
  switch (type) {
    case DType::f32: std::memcpy(out, x, n * sizeof(float)); return;
    case DType::f16:
      for (size_t i = 0; i < n; ++i) halves[i] = f32_to_f16(x[i]);
      return;
    case DType::bf16:
      for (size_t i = 0; i < n; ++i) halves[i] = f32_to_bf16(x[i]);
      return;
    case DType::q8_0: return encode_row<BlockQ8_0>(x, out, n);
    case DType::q4_0: return encode_row<BlockQ4_0>(x, out, n);
    case DType::q4_1: return encode_row<BlockQ4_1>(x, out, n);
    default: return;
  }
}

}  // namespace wattle::quant
