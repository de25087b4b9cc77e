// SPDX-License-Identifier: Apache-2.0
// Matrices of random blocks and rows to multiply by them, for tests of devices; their products are
// held to doubles over the decoded weights.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "base/aligned_buffer.h"
#include "quant/decode.h"
#include "tensor/view.h"
#include "tests/support/random_blocks.h"

namespace wattle::test {

struct Rows {
  Rows(size_t n_rows, size_t n_cols) : data(n_rows * n_cols), view(data.data(), n_rows, n_cols) {}
  AlignedBuffer<float> data;
  MatView<float> view;
};

inline Rows random_rows(RandomBlocks& random, size_t n_rows, size_t n_cols) {
  Rows rows(n_rows, n_cols);
  rows.data = random.floats(n_rows * n_cols);
  rows.view = MatView<float>(rows.data.data(), n_rows, n_cols);
  return rows;
}

struct Matrix {
  Matrix(RandomBlocks& random, DType dtype, size_t n_out, size_t n_in)
      : blocks(random.rows(dtype, n_out, n_in)) {
    view = {.name = "w",
            .dtype = dtype,
            .n_dims = 2,
            .shape = {n_out, n_in, 1, 1},
            .data = blocks.data(),
            .size_bytes = blocks.size()};
  }

  std::vector<float> row(size_t r) const {
    const size_t n = view.n_cols();
    std::vector<float> values(n);
    quant::dequantize_row(view.dtype, view.data + r * row_bytes(view.dtype, n), values.data(), n);
    return values;
  }

  AlignedBuffer<std::byte> blocks;
  TensorView view;
};

inline double product(const std::vector<float>& row, const float* x) {
  double sum = 0;
  for (size_t i = 0; i < row.size(); ++i) sum += double{row[i]} * double{x[i]};
  return sum;
}

// Root mean square of y - W x over that of W x.
inline double relative_error(const Matrix& w, MatView<const float> x, MatView<const float> y) {
  double error = 0;
  double size = 0;
  for (size_t r = 0; r < y.n_cols; ++r) {
    const std::vector<float> row = w.row(r);
    for (size_t a = 0; a < x.n_rows; ++a) {
      const double exact = product(row, x.row(a));
      error += std::pow(y.row(a)[r] - exact, 2);
      size += exact * exact;
    }
  }
  return std::sqrt(error / size);
}

// The same for the products of experts: w holds their matrices of n_out rows one below the other,
// row s of y is the product of row x_row[s] of x with expert[s].
inline double relative_error(const Matrix& w, size_t n_out, MatView<const float> x,
                             const std::vector<uint32_t>& x_row,
                             const std::vector<uint32_t>& expert, MatView<const float> y) {
  double error = 0;
  double size = 0;
  for (size_t s = 0; s < expert.size(); ++s) {
    for (size_t n = 0; n < n_out; ++n) {
      const double exact = product(w.row(expert[s] * n_out + n), x.row(x_row[s]));
      error += std::pow(y.row(s)[n] - exact, 2);
      size += exact * exact;
    }
  }
  return std::sqrt(error / size);
}

}  // namespace wattle::test
