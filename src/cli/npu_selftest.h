// SPDX-License-Identifier: Apache-2.0
// `wattle npu selftest`: whether an NPU multiplies right.
#pragma once

#include <string>

#include "backend/rknpu/form.h"

namespace wattle::cli {

struct NpuSelftestFlags {
  rknpu::Form form = rknpu::Form::vendor;  // whose driver the simulator stands for
  std::string faults;                      // of the simulator: fault_plan.h
  bool json = false;
};

// Returns the exit code: 1 where a product is wrong.
int run_npu_selftest(const NpuSelftestFlags& flags);

}  // namespace wattle::cli
