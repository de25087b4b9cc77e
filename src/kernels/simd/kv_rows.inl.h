// SPDX-License-Identifier: Apache-2.0
// Rows of the KV cache as f32, over Vec. Included after a vec_*.h. Reading is exact for every type
// (a q8_0 product has 11 + 7 bits), so a value is the same whether it is decoded in place or copied
// to f32 first.
#pragma once

#include "kernels/attention.h"
#include "quant/blocks.h"

namespace wattle::kernels::WATTLE_SIMD {
namespace {

// [n, n_cols] without gaps; load(row, i) gives elements i to i + kLanes.

template <KvType type>
struct KvRows;

template <>
struct KvRows<KvType::f32> {
  const float* data;
  size_t n_cols;

  KvRows(const std::byte* rows, size_t cols)
      : data(reinterpret_cast<const float*>(rows)), n_cols(cols) {}
  static size_t row_bytes(size_t cols) { return cols * sizeof(float); }
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
  static size_t row_bytes(size_t cols) { return cols * sizeof(uint16_t); }
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
  static size_t row_bytes(size_t cols) {
    return cols / quant::kBlockElems * sizeof(quant::BlockQ8_0);
  }
  const quant::BlockQ8_0* row(size_t r) const { return data + r * n_blocks; }
  static Vec load(const quant::BlockQ8_0* row, size_t i) {
    const quant::BlockQ8_0& block = row[i / quant::kBlockElems];
    return load_i8(block.qs + i % quant::kBlockElems) * broadcast_f16(block.d);
  }
  // A block holds whole vectors: there is no part to load.
  static Vec load_part(const quant::BlockQ8_0*, size_t, size_t) { return broadcast(0); }
};

}  // namespace
}  // namespace wattle::kernels::WATTLE_SIMD
