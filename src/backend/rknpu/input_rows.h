// SPDX-License-Identifier: Apache-2.0
// Rows of x as the A of products on the NPU. Rows that go through the same matrices are a group:
// all of them, or those of one expert. A group is cut into chunks of as many rows as a product
// takes at once; a chunk has native layout, and so has each of its tiles, which follow each other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/rknpu/numerics/arithmetic.h"
#include "kernels/engine_context.h"
#include "tensor/view.h"

namespace wattle::rknpu {

struct InputChunk {
  size_t begin = 0;  // rows
  size_t n = 0;
  size_t n_before = 0;  // rows of the chunks before
  uint32_t m = 0;     // rows of the product: planes of each row of x, and zeros up to a whole four
  size_t offset = 0;  // bytes
};

class InputRows {
 public:
  InputRows(Arithmetic arithmetic, Form form) : arithmetic_(arithmetic), form_(form) {}

  // Of `out` below.
  static size_t bytes_needed(Arithmetic arithmetic, Form form, size_t max_rows, size_t max_groups,
                             size_t n_in) noexcept;
  // Makes room for max_rows rows of n_in elements.
  void reserve(size_t max_rows, size_t n_in, size_t n_threads);

  // Row r is row x_row[r] of x, or r where x_row is empty. Groups are ranges of r in order, and
  // need not cover all. As reserved. block: of the Hadamard transform; 1: none. Returns the bytes
  // written. Throws std::bad_alloc.
  size_t pack(MatView<const float> x, std::span<const uint32_t> x_row,
              std::span<const RowRange> groups, size_t block, std::span<std::byte> out,
              EngineContext& context);

  // Of what was packed last.
  KTiles tiles() const noexcept { return tiles_; }
  std::span<const InputChunk> chunks(size_t group) const noexcept {
    return std::span(chunks_).subspan(first_chunk_[group],
                                      first_chunk_[group + 1] - first_chunk_[group]);
  }
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
    std::vector<int8_t> digits;   // of 4 bits: [n_k]
    std::vector<std::byte> rows;  // [planes], in the type of the product
  };

  void encode(const kernels::KernelTable& kernels, const float* x, size_t n_in, size_t block,
              size_t r, Scratch& scratch) noexcept;

  Arithmetic arithmetic_;
  Form form_;
  KTiles tiles_;
  std::vector<InputChunk> chunks_;
  std::vector<size_t> first_chunk_;  // [groups + 1]
  std::vector<uint32_t> chunk_of_;   // [packed rows]
  std::vector<float> scale_;         // [rows, tiles]
  std::vector<int32_t> sum_;
  std::vector<Scratch> scratch_;  // [threads]
};

// Rows of the product for n rows of x: a chunk's m.
uint32_t product_rows(Arithmetic arithmetic, size_t n) noexcept;
// Rows of x that a product of `tiles` takes at once.
size_t chunk_rows(Arithmetic arithmetic, Form form, const KTiles& tiles) noexcept;

}  // namespace wattle::rknpu
