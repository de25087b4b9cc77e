// SPDX-License-Identifier: Apache-2.0
// Whether a matrix comes out of the NPU as it does on the processor.
#pragma once

#include "backend/device.h"
#include "backend/rknpu/product_runner.h"

namespace wattle::rknpu {

struct ProbeResult {
  bool passed = false;
  double error = 0;  // root mean square of the differences
  double size = 0;   // of the outputs
};

// Multiplies a row of pseudo-random numbers by W = w * scale, as it is on the NPU and, at fine
// precision, by the processor. `runner` has room for a row. Throws as ProductRunner::run and
// Device::prepare do.
ProbeResult probe(const NpuMatrix& on_npu, const TensorView& w, float scale, Device& cpu,
                  ProductRunner& runner);

}  // namespace wattle::rknpu
