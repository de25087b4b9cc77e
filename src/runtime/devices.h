// SPDX-License-Identifier: Apache-2.0
// The devices that an engine computes with.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "backend/cpu/cpu_device.h"
#include "backend/rknpu/npu_device.h"
#include "backend/rknpu/placement/plan.h"
#include "backend/rknpu/rknpu_device.h"
#include "kernels/engine_context.h"
#include "wattle/engine.h"

namespace wattle::runtime {

class Devices {
 public:
  // Called where there is an NPU.
  struct ForModel {
    // What the model takes without it.
    std::function<rknpu::BoardMemory()> memory;
    // For that much memory for everything, and for domains as the NPU has them.
    std::function<rknpu::PlacementPlan(uint64_t memory_bytes, const rknpu::NpuInfo& npu)> plan;
  };

  // Borrows the context. Where another process has the NPU, that is told to the log, and the
  // processor computes everything. A simulated NPU has what the model leaves of a board's memory.
  // on_packed: see RknpuOptions.
  Devices(EngineContext& context, const NpuParams& npu, const ForModel& model,
          std::function<bool(uint64_t n_bytes)> on_packed);

  // That the model's matrices are prepared by.
  Device& of_model() noexcept { return rknpu_ ? static_cast<Device&>(*rknpu_) : cpu_; }
  bool has_npu() const noexcept { return npu_ != nullptr; }
  // After the last matrix: what the NPU has done so far was to check them.
  void count_from_here();
  std::optional<NpuReport> npu_report() const;

 private:
  CpuDevice cpu_;
  std::unique_ptr<rknpu::NpuDevice> npu_;
  std::unique_ptr<rknpu::RknpuDevice> rknpu_;
  rknpu::NpuUsage at_start_;
};

}  // namespace wattle::runtime
