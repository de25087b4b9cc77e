// SPDX-License-Identifier: Apache-2.0
// What the NPU has computed, as rows of y: the products of tiles, scaled and added.
#pragma once

#include <cstddef>

#include "backend/rknpu/input_rows.h"
#include "backend/rknpu/packed_matrix.h"
#include "base/thread_pool.h"
#include "tensor/view.h"

namespace wattle::rknpu {

// Columns [begin, begin + n) of a packed matrix, computed for some chunks of the inputs: for each
// chunk, for each tile, a C of native layout (n / per cell, m, per cell), one after the other.
struct OutputBlock {
  const PackedMatrix* w = nullptr;
  RowsView<float> y;     // [.., n_out]
  size_t first_row = 0;  // of y: row 0 of the inputs
  size_t y_column = 0;   // of y: column 0 of w
  std::span<const InputChunk> chunks;
  size_t begin = 0;
  size_t n = 0;  // a multiple of the type's kernel group
  const std::byte* data = nullptr;
};

// Bytes of C that one column takes.
size_t output_bytes_of_column(const PackedMatrix& w, std::span<const InputChunk> chunks) noexcept;

// Writes the columns of y that exist; `inputs` is what the block was computed from. The order of
// the sums is that of the tiles, whatever the threads.
void read_outputs(const OutputBlock& block, const InputRows& inputs, ThreadPool& pool) noexcept;

}  // namespace wattle::rknpu
