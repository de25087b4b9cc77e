// SPDX-License-Identifier: Apache-2.0
// Rows of x as the A of a product on the NPU. They are cut into chunks of as many rows as a product
// takes at once; a chunk has native layout, and so has each of its tiles, which follow each other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/rknpu/numerics/arithmetic.h"
#include "base/thread_pool.h"
#include "tensor/view.h"

namespace wattle::rknpu {

struct InputChunk {
  size_t begin = 0;  // rows of x
  size_t n = 0;
  uint32_t m = 0;     // rows of the product: planes of each row of x, and zeros up to a whole four
  size_t offset = 0;  // bytes
};

class InputRows {
 public:
  explicit InputRows(Arithmetic arithmetic) : arithmetic_(arithmetic) {}

  // Makes room for max_rows rows of n_in elements.
  void reserve(size_t max_rows, size_t n_in, size_t n_threads);
  size_t bytes_needed() const noexcept { return bytes_needed_; }  // of `out`, for all reserved

  // x [n_rows, n_in], as reserved. block: of the Hadamard transform (w8a8). Returns the bytes
  // written.
  size_t pack(MatView<const float> x, size_t block, std::span<std::byte> out,
              ThreadPool& pool) noexcept;

  // Of what was packed last.
  KTiles tiles() const noexcept { return tiles_; }
  std::span<const InputChunk> chunks() const noexcept { return chunks_; }
  std::span<const float> scales(size_t r) const noexcept {  // [tiles]
    return std::span(scale_).subspan(r * tiles_.n, tiles_.n);
  }
  std::span<const int32_t> sums(size_t r) const noexcept {  // w4a8: of the int8, [tiles]
    return std::span(sum_).subspan(r * tiles_.n, tiles_.n);
  }

 private:
  struct Scratch {
    std::vector<float> values;    // [n_k]
    std::vector<int8_t> int8;     // w4a8: [n_k]
    std::vector<int8_t> digits;   // w4a8: [n_k]
    std::vector<std::byte> rows;  // [planes], in the type of the product
  };

  void encode(const float* x, size_t n_in, size_t block, size_t r, Scratch& scratch) noexcept;

  Arithmetic arithmetic_;
  KTiles tiles_;
  size_t bytes_needed_ = 0;
  std::vector<InputChunk> chunks_;
  std::vector<float> scale_;  // [rows, tiles]
  std::vector<int32_t> sum_;
  std::vector<Scratch> scratch_;  // [threads]
};

// Rows of x that a product takes at once.
size_t chunk_rows(Arithmetic arithmetic) noexcept;

}  // namespace wattle::rknpu
