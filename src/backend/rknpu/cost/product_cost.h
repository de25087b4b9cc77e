// SPDX-License-Identifier: Apache-2.0
// What products y = W x cost on a board: on the processor, and on the NPU with what the processor
// does around them. A projection from published figures.
#pragma once

#include <cstddef>

#include "backend/device.h"
#include "backend/rknpu/cost/board_figures.h"
#include "backend/rknpu/holding.h"
#include "backend/rknpu/npu_device.h"
#include "backend/rknpu/numerics/arithmetic.h"
#include "tensor/dtype.h"

namespace wattle::rknpu {

struct ProductShape {
  size_t n_out = 0;
  size_t n_in = 0;
  DType dtype = DType::f32;
  Precision precision = Precision::normal;
};

// What costs and plans are made for: cores and domains as the vendor's driver has them.
NpuInfo planned_npu();

// The weights are read once; what takes longer, that or multiplying, counts.
Cost cpu_product(const ProductShape& w, size_t n_rows);

struct NpuWay {
  Arithmetic arithmetic = Arithmetic::w16a16;
  Holding holding = Holding::resident;
};

// Whether a way has figures: how quickly weights are packed is known for w16a16 alone.
constexpr bool is_priced(const NpuWay& way) noexcept {
  return way.holding == Holding::resident || way.arithmetic == Arithmetic::w16a16;
}

// One call: products with n_matrices alike, of n_rows rows each; a mean, so not always whole.
//
// Through the vendor's driver: each core computes its part of the columns. The processor turns rows
// into what the NPU multiplies, packs weights that are streamed, and adds up results, for as long
// as memory takes to move the bytes. A call has as many rounds as results or the ring ask for, and
// while the NPU works on one the processor makes the next and reads the one before: so the longer
// of both counts, or what memory needs to move the bytes of both. What comes before the first round
// and after the last has nothing beside it. Energy is that of each for its own time.
Cost npu_products(const ProductShape& w, const NpuWay& way, size_t n_rows, double n_matrices);

// Everything else: floats that the processor multiplies, and bytes that it moves.
Cost cpu_work(double macs, double bytes);

}  // namespace wattle::rknpu
