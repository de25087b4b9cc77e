// SPDX-License-Identifier: Apache-2.0
// Storing rows of the KV cache, over Vec. Included once per instruction set, after its vec_*.h.
#pragma once

#include "quant/blocks.h"

namespace wattle::kernels::WATTLE_SIMD {
namespace {

void store_f32(const float* x, size_t n, std::byte* out) noexcept {
  __builtin_memcpy(out, x, n * sizeof(float));
}

void store_f16(const float* x, size_t n, std::byte* out) noexcept {
  auto* halves = reinterpret_cast<uint16_t*>(out);
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store_f16(halves + i, load(x + i));
  if (i < n) {
    uint16_t rest[kLanes];
    store_f16(rest, load_part(x + i, n - i));
    __builtin_memcpy(halves + i, rest, (n - i) * sizeof(uint16_t));
  }
}

void store_q8_0(const float* x, size_t n, std::byte* out) noexcept {
  auto* blocks = reinterpret_cast<quant::BlockQ8_0*>(out);
  const Vec limit = broadcast(127.0F);
  const Vec minus_limit = broadcast(-127.0F);
  for (size_t b = 0; b < n / quant::kBlockElems; ++b, x += quant::kBlockElems) {
    Vec largest = broadcast(0);
    Vec spoiled = broadcast(0);  // x - x is 0, or NaN where x is infinite or NaN
    for (size_t i = 0; i < quant::kBlockElems; i += kLanes) {
      const Vec v = load(x + i);
      largest = max(largest, abs(v));
      spoiled = spoiled + (v - v);
    }
    const bool finite = sum(spoiled) == 0.0F;
    blocks[b].d = finite ? to_f16(max(largest) / 127.0F) : uint16_t{0x7c00};
    const Vec d = broadcast_f16(blocks[b].d);
    const bool usable = blocks[b].d != 0 && blocks[b].d != 0x7c00;
    for (size_t i = 0; i < quant::kBlockElems; i += kLanes) {
      const Vec q = usable ? round(load(x + i) / d) : broadcast(0);
      store_i8(blocks[b].qs + i, min(limit, max(minus_limit, q)));
    }
  }
}

}  // namespace
}  // namespace wattle::kernels::WATTLE_SIMD
