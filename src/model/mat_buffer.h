// SPDX-License-Identifier: Apache-2.0
// A matrix of floats that a model owns and writes over in every step.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/aligned_buffer.h"
#include "tensor/view.h"

namespace wattle {

// [n_rows, n_cols] at most; every row starts on a cache line, as Device::linear wants its input.
class MatBuffer {
 public:
  MatBuffer() = default;
  MatBuffer(size_t n_rows, size_t n_cols)
      : n_cols_(n_cols),
        stride_((n_cols + kLineFloats - 1) / kLineFloats * kLineFloats),
        data_(n_rows * stride_) {}

  size_t n_cols() const noexcept { return n_cols_; }
  MatView<float> rows(size_t n) noexcept { return view(n, n_cols_); }
  // The first rows and columns: layers differ in width and share one buffer.
  MatView<float> view(size_t n_rows, size_t n_cols) noexcept {
    WATTLE_ASSERT(n_cols <= n_cols_ && n_rows * stride_ <= data_.size());
    return {data_.data(), n_rows, n_cols, stride_};
  }

 private:
  static constexpr size_t kLineFloats = kCacheLine / sizeof(float);

  size_t n_cols_ = 0;
  size_t stride_ = 0;
  AlignedBuffer<float> data_;
};

}  // namespace wattle
