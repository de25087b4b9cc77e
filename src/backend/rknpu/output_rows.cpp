// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/output_rows.h"

#include <algorithm>
#include <cstring>

#include "backend/rknpu/layout.h"
#include "backend/rknpu/numerics/nibble_split.h"
#include "base/aligned_buffer.h"

namespace wattle::rknpu {
namespace {

// What one chunk and one tile of a block need.
struct TileOutput {
  const PackedMatrix& w;
  RowsView<float> y;
  size_t first_row;
  size_t y_column;
  const InputRows& inputs;
  const InputChunk& chunk;
  size_t tile;
  const std::byte* data;  // its C

  float* row(size_t r) const noexcept { return y.row(first_row + r) + y_column; }
};

// Adds scale * C to y, for columns [first, first + n) of W, whose cells begin with number `cell`.
template <class Value, size_t kPerCell>
void add_cell(const TileOutput& t, size_t cell, size_t first, size_t n) noexcept {
  const float* const scale = t.w.scales(t.tile).data() + first;
  for (size_t i = 0; i < t.chunk.n; ++i) {
    Value value[kPerCell];
    std::memcpy(value, t.data + (cell * t.chunk.m + i) * kCellBytes, kCellBytes);
    const size_t r = t.chunk.begin + i;
    const float x_scale = t.inputs.scales(r)[t.tile];
    float* const out = t.row(r) + first;
    for (size_t c = 0; c < n; ++c) out[c] += x_scale * (scale[c] * static_cast<float>(value[c]));
  }
}

void add_digits_cell(const TileOutput& t, size_t cell, size_t first, size_t n) noexcept {
  constexpr size_t kPerCell = kCellBytes / sizeof(int16_t);
  const float* const scale = t.w.scales(t.tile).data() + first;
  const float* const min = t.w.mins(t.tile).empty() ? nullptr : t.w.mins(t.tile).data() + first;
  const int16_t* const code_sum = t.w.code_sums(t.tile).data() + first;
  for (size_t i = 0; i < t.chunk.n; ++i) {
    int16_t sums[2][kPerCell];  // of the high and of the low digits
    std::memcpy(sums, t.data + (cell * t.chunk.m + 2 * i) * kCellBytes, 2 * kCellBytes);
    const size_t r = t.chunk.begin + i;
    const float x_scale = t.inputs.scales(r)[t.tile];
    const int32_t x_sum = t.inputs.sums(r)[t.tile];
    float* const out = t.row(r) + first;
    for (size_t c = 0; c < n; ++c) {
      const int32_t product =
          join_digits(sums[0][c], sums[1][c], code_sum[c]) + t.w.code_offset() * x_sum;
      float sum = scale[c] * static_cast<float>(product);
      if (min != nullptr) sum += min[c] * static_cast<float>(x_sum);
      out[c] += x_scale * sum;
    }
  }
}

void add_cell(const TileOutput& t, size_t cell, size_t first, size_t n) noexcept {
  switch (t.w.arithmetic()) {
    case Arithmetic::w16a16: return add_cell<float, 4>(t, cell, first, n);
    case Arithmetic::w8a8:
    case Arithmetic::w8a8_plain: return add_cell<int32_t, 4>(t, cell, first, n);
    case Arithmetic::w4a8: return add_digits_cell(t, cell, first, n);
    case Arithmetic::w4a4:
    case Arithmetic::w4a4_plain: return add_cell<int16_t, 8>(t, cell, first, n);
  }
}

}  // namespace

size_t output_bytes_of_column(const PackedMatrix& w, std::span<const InputChunk> chunks) noexcept {
  size_t rows = 0;
  for (const InputChunk& chunk : chunks) rows += chunk.m;
  return rows * w.tiles().n * w.type().output_bytes;
}

void read_outputs(const OutputBlock& block, const InputRows& inputs, ThreadPool& pool) noexcept {
  const PackedMatrix& w = *block.w;
  const size_t per_cell = kCellBytes / w.type().output_bytes;
  const size_t n_cells = block.n / per_cell;
  // A piece of work is some cells of all rows: whole cache lines of y.
  const size_t cells_of_piece = kCacheLine / sizeof(float) / per_cell * 4;
  pool.parallel_for((n_cells + cells_of_piece - 1) / cells_of_piece, [&](size_t piece, size_t) {
    const size_t last = std::min(n_cells, (piece + 1) * cells_of_piece);
    const std::byte* data = block.data;
    for (const InputChunk& chunk : block.chunks) {
      for (size_t t = 0; t < w.tiles().n; ++t) {
        const TileOutput output{w, block.y, block.first_row, block.y_column, inputs, chunk,
                                t, data};
        for (size_t cell = piece * cells_of_piece; cell < last; ++cell) {
          const size_t first = block.begin + cell * per_cell;
          if (first >= w.n_out()) break;
          const size_t n = std::min(per_cell, w.n_out() - first);
          if (t == 0) {
            for (size_t r = chunk.begin; r < chunk.begin + chunk.n; ++r)
              std::fill_n(output.row(r) + first, n, 0.0f);
          }
          add_cell(output, cell, first, n);
        }
        data += chunk.m * block.n * w.type().output_bytes;
      }
    }
  });
}

}  // namespace wattle::rknpu
