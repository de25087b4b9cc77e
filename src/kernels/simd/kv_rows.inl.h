// SPDX-License-Identifier: Apache-2.0
// Rows of the KV cache over Vec: storing them, and reading them as f32. Included once per
// instruction set, after its vec_*.h. Reading is exact for every type (a q8_0 product has 11 + 7
// bits), so a value is the same whether it is decoded in place or copied to f32 first.
#pragma once

#include "kernels/attention.h"
#include "quant/blocks.h"

namespace wattle::kernels::WATTLE_SIMD {
namespace {

// ---- reading: [n, n_cols] without gaps; load(row, i) gives elements i to i + kLanes ----

template <KvType type>
struct KvRows;

template <>
struct KvRows<KvType::f32> {
  const float* data;
  size_t n_cols;

  KvRows(const std::byte* rows, size_t cols)
      : data(reinterpret_cast<const float*>(rows)), n_cols(cols) {}
  const float* row(size_t r) const { return data + r * n_cols; }
  static Vec load(const float* row, size_t i) { return WATTLE_SIMD::load(row + i); }
  static Vec load_part(const float* row, size_t i, size_t n) {
    return WATTLE_SIMD::load_part(row + i, n);
  }
};

template <>
struct KvRows<KvType::f16> {
  const uint16_t* data;
  size_t n_cols;

  KvRows(const std::byte* rows, size_t cols)
      : data(reinterpret_cast<const uint16_t*>(rows)), n_cols(cols) {}
  const uint16_t* row(size_t r) const { return data + r * n_cols; }
  static Vec load(const uint16_t* row, size_t i) { return load_f16(row + i); }
  static Vec load_part(const uint16_t* row, size_t i, size_t n) {
    uint16_t halves[kLanes] = {};
    __builtin_memcpy(halves, row + i, n * sizeof(uint16_t));
    return load_f16(halves);
  }
};

template <>
struct KvRows<KvType::q8_0> {
  const quant::BlockQ8_0* data;
  size_t n_blocks;

  KvRows(const std::byte* rows, size_t cols)
      : data(reinterpret_cast<const quant::BlockQ8_0*>(rows)),
        n_blocks(cols / quant::kBlockElems) {}
  const quant::BlockQ8_0* row(size_t r) const { return data + r * n_blocks; }
  static Vec load(const quant::BlockQ8_0* row, size_t i) {
    const quant::BlockQ8_0& block = row[i / quant::kBlockElems];
    return load_i8(block.qs + i % quant::kBlockElems) * broadcast_f16(block.d);
  }
  // A block holds whole vectors: there is no part to load.
  static Vec load_part(const quant::BlockQ8_0*, size_t, size_t) { return broadcast(0); }
};

// ---- storing ----

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
