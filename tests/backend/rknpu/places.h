// SPDX-License-Identifier: Apache-2.0
// Places for matrices of tests of the device, in place of a plan.
#pragma once

#include <algorithm>
#include <optional>

#include "backend/rknpu/numerics/int4_weights.h"
#include "backend/rknpu/rknpu_device.h"

namespace wattle::rknpu {

// Everything that can be in one arithmetic, for products of min_rows rows and more, of an expert a
// quarter of that.
inline RknpuOptions all_in(Arithmetic arithmetic, size_t min_rows,
                           Holding holding = Holding::resident) {
  return {.place = [=](const TensorView& w) -> std::optional<MatrixPlace> {
    if (arithmetic == Arithmetic::w4a8 && !int4_type(w.dtype)) return std::nullopt;
    return MatrixPlace{arithmetic,
                       {w.n_dims == 3 ? std::max<size_t>(1, min_rows / 4) : min_rows, SIZE_MAX},
                       holding};
  }};
}

}  // namespace wattle::rknpu
