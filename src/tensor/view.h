// SPDX-License-Identifier: Apache-2.0
// Borrowed views of matrices and tensors. Shapes are row-major, outermost first, everywhere; GGUF's
// reversed order is turned once, in gguf/reader.cpp. A view owns nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/assert.h"
#include "tensor/dtype.h"

namespace wattle {

// Rows [begin, end).
struct RowRange {
  size_t begin = 0;
  size_t end = 0;
  size_t size() const noexcept { return end - begin; }
};

// [n_rows, n_cols] of T, rows `stride` elements apart.
template <class T>
struct MatView {
  T* data = nullptr;
  size_t n_rows = 0;
  size_t n_cols = 0;
  size_t stride = 0;

  MatView() = default;
  MatView(T* data_in, size_t rows, size_t cols) : MatView(data_in, rows, cols, cols) {}
  MatView(T* data_in, size_t rows, size_t cols, size_t row_stride)
      : data(data_in), n_rows(rows), n_cols(cols), stride(row_stride) {}

  T* row(size_t r) const noexcept {
    WATTLE_ASSERT(r < n_rows);
    return data + r * stride;
  }
  std::span<T> row_span(size_t r) const noexcept { return {row(r), n_cols}; }
  MatView rows(RowRange range) const noexcept {
    return {data + range.begin * stride, range.size(), n_cols, stride};
  }
  MatView cols(size_t begin, size_t count) const noexcept {
    return {data + begin, n_rows, count, stride};
  }
  operator MatView<const T>() const noexcept { return {data, n_rows, n_cols, stride}; }
};

// [n_rows, n_cols] of T, the rows those of a matrix or wherever a list of pointers says. A list
// must live as long as the view.
template <class T>
class RowsView {
 public:
  size_t n_rows = 0;
  size_t n_cols = 0;

  RowsView() = default;
  RowsView(MatView<T> matrix)
      : n_rows(matrix.n_rows), n_cols(matrix.n_cols), data_(matrix.data), stride_(matrix.stride) {}
  RowsView(T* data, size_t rows, size_t cols) : RowsView(MatView<T>(data, rows, cols)) {}
  RowsView(std::span<T* const> list, size_t cols)
      : n_rows(list.size()), n_cols(cols), list_(list.data()) {}

  T* row(size_t r) const noexcept {
    WATTLE_ASSERT(r < n_rows);
    return list_ != nullptr ? list_[r] : data_ + r * stride_;
  }

 private:
  T* data_ = nullptr;
  size_t stride_ = 0;
  T* const* list_ = nullptr;
};

// A tensor where it lies in its file. shape[0] is the outermost dimension; a matrix for y = W x is
// [n_out, n_in], its rows contiguous. Lives as long as the file's mapping.
struct TensorView {
  std::string_view name;
  DType dtype = DType::f32;
  uint32_t n_dims = 0;
  std::array<uint64_t, 4> shape{1, 1, 1, 1};  // entries from n_dims on are 1
  const std::byte* data = nullptr;
  size_t size_bytes = 0;

  uint64_t n_elements() const noexcept { return shape[0] * shape[1] * shape[2] * shape[3]; }
  // Length of a contiguous row, in elements.
  uint64_t n_cols() const noexcept { return n_dims == 0 ? 1 : shape[n_dims - 1]; }
};

}  // namespace wattle
