// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/input_rows.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "backend/rknpu/layout.h"
#include "backend/rknpu/numerics/hadamard.h"
#include "backend/rknpu/numerics/half_row.h"
#include "backend/rknpu/numerics/int8_row.h"
#include "backend/rknpu/numerics/nibble_split.h"
#include "base/parallel_rows.h"

namespace wattle::rknpu {
namespace {

// Native layout wants whole fours of rows.
uint32_t product_rows(Arithmetic arithmetic, size_t n) noexcept {
  return static_cast<uint32_t>((n * planes_of(arithmetic) + 3) / 4 * 4);
}

template <class T>
void grow(std::vector<T>& v, size_t n) {
  if (v.size() < n) v.resize(n);
}

}  // namespace

size_t chunk_rows(Arithmetic arithmetic) noexcept {
  constexpr size_t kInt4Rows = 128;  // of a product: the most that was seen to run on boards
  constexpr size_t kRows = 512;
  return arithmetic == Arithmetic::w4a8 ? kInt4Rows / planes_of(arithmetic) : kRows;
}

void InputRows::reserve(size_t max_rows, size_t n_in, size_t n_threads) {
  const KTiles tiles = tiles_of(arithmetic_, n_in);
  const size_t row_bytes =
      info(matmul_type_of(arithmetic_)).row_bytes(static_cast<uint32_t>(tiles.n_k()));
  const size_t per_chunk = chunk_rows(arithmetic_);
  const size_t n_chunks = (max_rows + per_chunk - 1) / per_chunk;
  const size_t rows = max_rows / per_chunk * product_rows(arithmetic_, per_chunk) +
                      product_rows(arithmetic_, max_rows % per_chunk);
  bytes_needed_ = std::max(bytes_needed_, rows * row_bytes);
  if (chunks_.capacity() < n_chunks) chunks_.reserve(n_chunks);
  grow(scale_, max_rows * tiles.n);
  scratch_.resize(n_threads);
  for (Scratch& scratch : scratch_) {
    grow(scratch.values, tiles.n_k());
    grow(scratch.rows, row_bytes * planes_of(arithmetic_));
    if (arithmetic_ != Arithmetic::w4a8) continue;
    grow(scratch.int8, tiles.n_k());
    grow(scratch.digits, tiles.n_k());
  }
  if (arithmetic_ == Arithmetic::w4a8) grow(sum_, max_rows * tiles.n);
}

size_t InputRows::pack(MatView<const float> x, size_t block, std::span<std::byte> out,
                       ThreadPool& pool) noexcept {
  tiles_ = tiles_of(arithmetic_, x.n_cols);
  const size_t row_bytes =
      info(matmul_type_of(arithmetic_)).row_bytes(static_cast<uint32_t>(tiles_.n_k()));
  const size_t planes = planes_of(arithmetic_);
  chunks_.clear();
  size_t n_bytes = 0;
  for (size_t r = 0; r < x.n_rows; r += chunk_rows(arithmetic_)) {
    const size_t n = std::min(chunk_rows(arithmetic_), x.n_rows - r);
    const uint32_t m = product_rows(arithmetic_, n);
    chunks_.push_back({.begin = r, .n = n, .m = m, .offset = n_bytes});
    n_bytes += m * row_bytes;
  }
  const size_t n_cells = row_bytes / kCellBytes;
  parallel_rows(pool, x.n_rows, x.n_cols * 8, [&](size_t begin, size_t end, size_t thread) {
    for (size_t r = begin; r < end; ++r) {
      Scratch& scratch = scratch_[thread];
      encode(x.row(r), x.n_cols, block, r, scratch);
      const InputChunk& chunk = chunks_[r / chunk_rows(arithmetic_)];
      for (size_t p = 0; p < planes; ++p) {
        const std::byte* const cells = scratch.rows.data() + p * row_bytes;
        std::byte* const to =
            out.data() + chunk.offset + ((r - chunk.begin) * planes + p) * kCellBytes;
        for (size_t c = 0; c < n_cells; ++c)
          std::memcpy(to + c * chunk.m * kCellBytes, cells + c * kCellBytes, kCellBytes);
      }
    }
  });
  return n_bytes;
}

void InputRows::encode(const float* x, size_t n_in, size_t block, size_t r,
                       Scratch& scratch) noexcept {
  const size_t n_k = tiles_.n_k();
  const std::span<float> values = std::span(scratch.values).first(n_k);
  std::copy_n(x, n_in, values.data());
  std::ranges::fill(values.subspan(n_in), 0.0f);
  if (arithmetic_ == Arithmetic::w8a8) hadamard(values.first(n_in), block);
  float* const scale = scale_.data() + r * tiles_.n;
  for (size_t t = 0; t < tiles_.n; ++t) {
    const size_t begin = t * tiles_.size;
    const auto tile = values.subspan(begin, tiles_.size);
    switch (arithmetic_) {
      case Arithmetic::w16a16:
        scale[t] = to_half(tile, reinterpret_cast<uint16_t*>(scratch.rows.data()) + begin);
        break;
      case Arithmetic::w8a8:
        scale[t] = to_int8(tile, reinterpret_cast<int8_t*>(scratch.rows.data()) + begin);
        break;
      case Arithmetic::w4a8: {
        int8_t* const q = scratch.int8.data() + begin;
        scale[t] = to_int8(tile, q);
        sum_[r * tiles_.n + t] = std::accumulate(q, q + tiles_.size, 0);
        break;
      }
    }
  }
  if (arithmetic_ != Arithmetic::w4a8) return;
  const std::span<int8_t> digits = std::span(scratch.digits).first(n_k);
  const auto int8 = std::span(scratch.int8).first(n_k);
  std::ranges::transform(int8, digits.begin(), [](int8_t q) { return digits_of(q).high; });
  pack_int4(digits, scratch.rows.data());
  std::ranges::transform(int8, digits.begin(), [](int8_t q) { return digits_of(q).low; });
  pack_int4(digits, scratch.rows.data() + n_k / 2);
}

}  // namespace wattle::rknpu
