// SPDX-License-Identifier: Apache-2.0
// The input rows of one call in the forms that its kernels read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "backend/device.h"
#include "base/aligned_buffer.h"
#include "kernels/engine_context.h"

namespace wattle {

// Precision::fine of a kernel that rounds activations is two rows instead of one, x = high + low:
// high is x in int8 or bf16, low is what that lost, rounded likewise. Their products with a weight
// row add up to a product with an activation of some 16 bits, and the weights are decoded once for
// both.
struct ActForm {
  kernels::ActFormat format = kernels::ActFormat::f32;
  Precision precision = Precision::normal;

  size_t planes() const noexcept {
    return format != kernels::ActFormat::f32 && precision == Precision::fine ? 2 : 1;
  }
};

// Which forms a call needs; f32 is always there.
struct ActForms {
  size_t q8_planes = 0;
  size_t bf16_planes = 0;

  void want(ActForm form) noexcept {
    if (form.format == kernels::ActFormat::f32) return;
    size_t& planes = form.format == kernels::ActFormat::q8 ? q8_planes : bf16_planes;
    planes = std::max(planes, form.planes());
  }
};

// Buffers are sized by reserve, before the first call.
class ActRows {
 public:
  explicit ActRows(EngineContext& context) : context_(context) {}

  void reserve(size_t max_rows, size_t n_cols, ActForm form);

  // Rounds the rows of x, which stays in use by the f32 form.
  void prepare(MatView<const float> x, ActForms forms) noexcept;

  // plane 0: the row itself, or its high part; plane 1: the low part.
  const std::byte* row(size_t r, ActForm form, size_t plane) const noexcept {
    if (form.format == kernels::ActFormat::f32)
      return reinterpret_cast<const std::byte*>(x_.row(r));
    const Rounded& rows = of(form.format);
    return (plane == 0 ? rows.high : rows.low).data() + r * rows.row_bytes;
  }

 private:
  // Rows of x in a format that rounds.
  struct Rounded {
    size_t row_bytes = 0;
    AlignedBuffer<std::byte> high;
    AlignedBuffer<std::byte> low;
  };

  const Rounded& of(kernels::ActFormat format) const noexcept {
    return format == kernels::ActFormat::q8 ? q8_ : bf16_;
  }
  Rounded& of(kernels::ActFormat format) noexcept {
    return format == kernels::ActFormat::q8 ? q8_ : bf16_;
  }
  void round(kernels::ActFormat format, size_t planes) noexcept;
  void round_row(kernels::ActFormat format, const float* x, std::byte* out) const noexcept;
  void find_rest(kernels::ActFormat format, const float* x, const std::byte* high,
                 float* rest) const noexcept;

  EngineContext& context_;
  MatView<const float> x_;
  Rounded q8_;
  Rounded bf16_;
  size_t rest_floats_ = 0;
  AlignedBuffer<float> rest_;  // [threads, rest_floats_]
};

}  // namespace wattle
