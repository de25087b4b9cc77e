// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/input_rows.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "backend/rknpu/layout.h"
#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/numerics/hadamard.h"
#include "backend/rknpu/numerics/int8_row.h"
#include "backend/rknpu/numerics/nibble_split.h"
#include "base/parallel_rows.h"

namespace wattle::rknpu {
namespace {

template <class T>
void grow(std::vector<T>& v, size_t n) {
  if (v.size() < n) v.resize(n);
}

}  // namespace

// Native layout wants whole fours of rows.
uint32_t product_rows(Arithmetic arithmetic, size_t n) noexcept {
  return static_cast<uint32_t>((n * planes_of(arithmetic) + 3) / 4 * 4);
}

size_t chunk_rows(Arithmetic arithmetic, Form form, const KTiles& tiles) noexcept {
  constexpr size_t kInt4Rows = 128;  // of a product: the most that was seen to run on boards
  constexpr size_t kRows = 512;
  const MatmulType type = matmul_type_of(arithmetic);
  size_t most = type == MatmulType::i4_i4_i16 ? kInt4Rows : kRows;
  if (form == Form::rocket)  // where a chunk is one task
    most = std::min<size_t>(most, column_rows(type, static_cast<uint32_t>(tiles.size)));
  return most / planes_of(arithmetic);
}

size_t InputRows::bytes_needed(Arithmetic arithmetic, Form form, size_t max_rows, size_t max_groups,
                               size_t n_in) noexcept {
  const KTiles tiles = tiles_of(arithmetic, form, n_in);
  const size_t n_chunks = max_rows / chunk_rows(arithmetic, form, tiles) + max_groups;
  const size_t most = max_rows * planes_of(arithmetic) + 3 * n_chunks;  // 3: see product_rows
  return most * info(matmul_type_of(arithmetic)).row_bytes(static_cast<uint32_t>(tiles.n_k()));
}

void InputRows::reserve(size_t max_rows, size_t n_in, size_t n_threads) {
  const KTiles tiles = tiles_of(arithmetic_, form_, n_in);
  const size_t row_bytes =
      info(matmul_type_of(arithmetic_)).row_bytes(static_cast<uint32_t>(tiles.n_k()));
  grow(scale_, max_rows * tiles.n);
  scratch_.resize(n_threads);
  for (Scratch& scratch : scratch_) {
    grow(scratch.values, tiles.n_k());
    grow(scratch.rows, row_bytes * planes_of(arithmetic_));
    if (matmul_type_of(arithmetic_) == MatmulType::i4_i4_i16) grow(scratch.digits, tiles.n_k());
    if (arithmetic_ == Arithmetic::w4a8) grow(scratch.int8, tiles.n_k());
  }
  if (arithmetic_ == Arithmetic::w4a8) grow(sum_, max_rows * tiles.n);
}

size_t InputRows::pack(MatView<const float> x, std::span<const uint32_t> x_row,
                       std::span<const RowRange> groups, size_t block, std::span<std::byte> out,
                       EngineContext& context) {
  tiles_ = tiles_of(arithmetic_, form_, x.n_cols);
  const size_t row_bytes =
      info(matmul_type_of(arithmetic_)).row_bytes(static_cast<uint32_t>(tiles_.n_k()));
  const size_t planes = planes_of(arithmetic_);
  const size_t most = chunk_rows(arithmetic_, form_, tiles_);
  chunks_.clear();
  first_chunk_.assign(1, 0);
  chunk_of_.clear();
  size_t n_bytes = 0;
  for (const RowRange& group : groups) {
    for (size_t r = group.begin; r < group.end; r += most) {
      const size_t n = std::min(most, group.end - r);
      const uint32_t m = product_rows(arithmetic_, n);
      const auto number = static_cast<uint32_t>(chunks_.size());
      chunks_.push_back(
          {.begin = r, .n = n, .n_before = chunk_of_.size(), .m = m, .offset = n_bytes});
      chunk_of_.insert(chunk_of_.end(), n, number);
      n_bytes += m * row_bytes;
    }
    first_chunk_.push_back(chunks_.size());
  }
  const size_t n_cells = row_bytes / kCellBytes;
  parallel_rows(
      context.pool, chunk_of_.size(), x.n_cols * 8, [&](size_t begin, size_t end, size_t thread) {
        for (size_t i = begin; i < end; ++i) {
          const InputChunk& chunk = chunks_[chunk_of_[i]];
          const size_t in_chunk = i - chunk.n_before;
          const size_t r = chunk.begin + in_chunk;
          Scratch& scratch = scratch_[thread];
          encode(context.kernels, x.row(x_row.empty() ? r : x_row[r]), x.n_cols, block, r, scratch);
          for (size_t p = 0; p < planes; ++p) {
            const std::byte* const cells = scratch.rows.data() + p * row_bytes;
            std::byte* const to = out.data() + chunk.offset + (in_chunk * planes + p) * kCellBytes;
            for (size_t c = 0; c < n_cells; ++c)
              std::memcpy(to + c * chunk.m * kCellBytes, cells + c * kCellBytes, kCellBytes);
          }
        }
      });
  return n_bytes;
}

void InputRows::encode(const kernels::KernelTable& kernels, const float* x, size_t n_in,
                       size_t block, size_t r, Scratch& scratch) noexcept {
  const size_t n_k = tiles_.n_k();
  const std::span<float> values = std::span(scratch.values).first(n_k);
  std::copy_n(x, n_in, values.data());
  std::ranges::fill(values.subspan(n_in), 0.0f);
  if (block > 1) hadamard(values.first(n_in), block);
  float* const scale = scale_.data() + r * tiles_.n;
  for (size_t t = 0; t < tiles_.n; ++t) {
    const size_t begin = t * tiles_.size;
    const auto tile = values.subspan(begin, tiles_.size);
    switch (arithmetic_) {
      case Arithmetic::w16a16:
        scale[t] = kernels.to_half(tile.data(), tile.size(),
                                   reinterpret_cast<uint16_t*>(scratch.rows.data()) + begin);
        break;
      case Arithmetic::w8a8:
      case Arithmetic::w8a8_plain:
        scale[t] = to_int8(tile, reinterpret_cast<int8_t*>(scratch.rows.data()) + begin);
        break;
      case Arithmetic::w4a4:
      case Arithmetic::w4a4_plain: scale[t] = to_int4(tile, scratch.digits.data() + begin); break;
      case Arithmetic::w4a8: {
        int8_t* const q = scratch.int8.data() + begin;
        scale[t] = to_int8(tile, q);
        sum_[r * tiles_.n + t] = std::accumulate(q, q + tiles_.size, 0);
        break;
      }
    }
  }
  if (matmul_type_of(arithmetic_) != MatmulType::i4_i4_i16) return;
  const std::span<int8_t> digits = std::span(scratch.digits).first(n_k);
  if (arithmetic_ != Arithmetic::w4a8) return pack_int4(digits, scratch.rows.data());
  const auto int8 = std::span(scratch.int8).first(n_k);
  std::ranges::transform(int8, digits.begin(), [](int8_t q) { return digits_of(q).high; });
  pack_int4(digits, scratch.rows.data());
  std::ranges::transform(int8, digits.begin(), [](int8_t q) { return digits_of(q).low; });
  pack_int4(digits, scratch.rows.data() + n_k / 2);
}

}  // namespace wattle::rknpu
