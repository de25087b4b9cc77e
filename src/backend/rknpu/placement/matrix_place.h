// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/rknpu/holding.h"
#include "backend/rknpu/numerics/arithmetic.h"
#include "tensor/view.h"

namespace wattle::rknpu {

// Where products with a matrix are computed that is packed for the NPU: those of `rows` rows there
// (of a bank, rows of one expert), all others on the processor.
struct MatrixPlace {
  Arithmetic arithmetic = Arithmetic::w16a16;
  RowRange rows;
  Holding holding = Holding::resident;
};

}  // namespace wattle::rknpu
