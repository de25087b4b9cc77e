// SPDX-License-Identifier: Apache-2.0
// The input rows of one call in the forms that its kernels read.
#pragma once

#include <cstddef>
#include <vector>

#include "backend/device.h"
#include "base/aligned_buffer.h"
#include "kernels/engine_context.h"

namespace wattle {

// Precision::fine of an int8 kernel is two rows instead of one, x = high + low: high is x in int8,
// low is what that lost, in int8 again. Their products with a weight row add up to a product with
// an activation of some 16 bits, and the weights are decoded once for both.
struct ActForm {
  kernels::ActFormat format = kernels::ActFormat::f32;
  Precision precision = Precision::normal;

  size_t planes() const noexcept {
    return format == kernels::ActFormat::q8 && precision == Precision::fine ? 2 : 1;
  }
};

// Which forms a call needs; f32 is always there.
struct ActForms {
  bool q8 = false;
  bool q8_low = false;

  void want(ActForm form) noexcept {
    q8 |= form.format == kernels::ActFormat::q8;
    q8_low |= form.planes() == 2;
  }
};

// Buffers are sized by reserve, before the first call.
class ActRows {
 public:
  explicit ActRows(EngineContext& context) : context_(context) {}

  void reserve(size_t max_rows, size_t n_cols, ActForm form);

  // Quantises the rows of x, which stays in use by the f32 form.
  void prepare(MatView<const float> x, ActForms forms) noexcept;

  // plane 0: the row itself, or its high part; plane 1: the low part.
  const std::byte* row(size_t r, ActForm form, size_t plane) const noexcept {
    if (form.format == kernels::ActFormat::f32)
      return reinterpret_cast<const std::byte*>(x_.row(r));
    return (plane == 0 ? high_ : low_).data() + r * row_bytes_;
  }

 private:
  void make_low(const float* x, size_t n_cols, const std::byte* high, float* rest,
                std::byte* low) const noexcept;

  EngineContext& context_;
  MatView<const float> x_;
  size_t row_bytes_ = 0;  // of a q8 row of x
  AlignedBuffer<std::byte> high_;
  AlignedBuffer<std::byte> low_;
  size_t rest_floats_ = 0;
  AlignedBuffer<float> rest_;  // [threads, rest_floats_]
};

}  // namespace wattle
