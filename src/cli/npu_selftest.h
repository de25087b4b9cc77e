// SPDX-License-Identifier: Apache-2.0
// `wattle npu selftest` and `wattle doctor --npu-selftest`: whether an NPU multiplies right.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "backend/rknpu/form.h"
#include "backend/rknpu/npu_device.h"

namespace wattle::cli {

struct NpuChoice {
  std::string device = "sim";              // or "vendor", "rocket": the board's
  rknpu::Form form = rknpu::Form::vendor;  // of the simulator: whose driver it stands for
  std::string faults = {};                 // of the simulator: fault_plan.h
};

// Throws Error; {usage} for faults of a device that is no simulator.
std::unique_ptr<rknpu::NpuDevice> open_npu(const NpuChoice& choice);

struct NpuSelftest {
  bool passed = false;
  nlohmann::ordered_json report;
};

// Ctrl-C ends it. Where `tells`, each product is on stdout when it is done, and a summary.
NpuSelftest run_npu_selftest(rknpu::NpuDevice& device, bool tells);

}  // namespace wattle::cli
