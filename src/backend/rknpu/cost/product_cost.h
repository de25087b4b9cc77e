// SPDX-License-Identifier: Apache-2.0
// What a product y = W x costs on a board: on the processor, and on the NPU with what the processor
// does around it. A projection from published figures.
#pragma once

#include <cstddef>

#include "backend/device.h"
#include "backend/rknpu/cost/board_figures.h"
#include "backend/rknpu/numerics/arithmetic.h"
#include "tensor/dtype.h"

namespace wattle::rknpu {

struct ProductShape {
  size_t n_out = 0;
  size_t n_in = 0;
  DType dtype = DType::f32;
  Precision precision = Precision::normal;
};

// The weights are read once; what takes longer, that or multiplying, counts.
Cost cpu_product(const ProductShape& w, size_t n_rows);

// Through the vendor's driver: each core computes its part of the columns. The processor turns rows
// into what the NPU multiplies, and adds up results, for as long as memory takes to move the bytes.
// Some of that it does while the NPU works; but they share the memory, whose time it is, so both
// count.
// submit_share: of a submit; less than 1 where other products are in the same one. Products whose
// results do not fit a core's output take more.
Cost npu_product(const ProductShape& w, Arithmetic arithmetic, size_t n_rows, double submit_share);

// Everything else: floats that the processor multiplies, and bytes that it moves.
Cost cpu_work(double macs, double bytes);

}  // namespace wattle::rknpu
