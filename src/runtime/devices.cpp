// SPDX-License-Identifier: Apache-2.0
#include "runtime/devices.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backend/rknpu/driver/board_npu.h"
#include "backend/rknpu/driver/rocket_npu.h"
#include "backend/rknpu/driver/vendor_npu.h"
#include "backend/rknpu/simulator/fault_plan.h"
#include "backend/rknpu/simulator/simulated_npu.h"
#include "runtime/available_memory.h"

namespace wattle::runtime {
namespace {

bool is_simulated(NpuDriver driver) {
  return driver == NpuDriver::simulator || driver == NpuDriver::simulator_rocket;
}

// The board of which this is the NPU holds the model as well.
rknpu::SimulatorOptions simulator_options(const NpuParams& npu, const Devices::ForModel& model) {
  rknpu::SimulatorOptions options;
  options.memory_bytes = rknpu::kBoardBytes - std::min(rknpu::kBoardBytes, model.memory().total());
  if (npu.driver == NpuDriver::simulator_rocket) options.form = rknpu::Form::rocket;
  if (!npu.faults.empty()) options.fault = rknpu::parse_fault_plan(npu.faults);
  return options;
}

std::unique_ptr<rknpu::NpuDevice> open_npu(const NpuParams& npu, const EngineContext& context,
                                           const Devices::ForModel& model) {
  const NpuDriver driver = npu.driver;
  if (!npu.faults.empty() && !is_simulated(driver)) {
    throw Error(ErrorCode::usage, "faults are asked of an NPU that is no simulator",
                "they go with --npu sim or sim-rocket");
  }
  try {
    switch (driver) {
      case NpuDriver::off: return nullptr;
      case NpuDriver::simulator:
      case NpuDriver::simulator_rocket:
        return rknpu::open_simulated_npu(simulator_options(npu, model));
      case NpuDriver::automatic: return rknpu::open_board_npu();
      case NpuDriver::vendor: return rknpu::open_vendor_npu();
      case NpuDriver::rocket: return rknpu::open_rocket_npu();
    }
  } catch (const rknpu::NpuFault& fault) {
    context.log(LogLevel::warning,
                fmt::format("npu: {}; the CPU computes everything", fault.what()));
    return nullptr;
  } catch (const Error& error) {
    if (driver != NpuDriver::automatic) throw;
    // To have none is ordinary; not to be let in is worth a warning.
    const bool is_none = error.code() == ErrorCode::unsupported;
    context.log(is_none ? LogLevel::info : LogLevel::warning,
                fmt::format("npu: {}; the CPU computes everything", error.what()));
    return nullptr;
  }
  throw Error(ErrorCode::usage, "unknown driver of the NPU");
}

// The simulator holds every byte twice, and is of a board that may be smaller than this machine.
uint64_t memory_for(NpuDriver driver) {
  const uint64_t available = available_memory().value_or(UINT64_MAX);
  return is_simulated(driver) ? std::min(available / 2, rknpu::kBoardBytes) : available;
}

}  // namespace

Devices::Devices(EngineContext& context, const NpuParams& npu, const ForModel& model,
                 std::function<bool(uint64_t n_bytes)> on_packed)
    : cpu_(context), npu_(open_npu(npu, context, model)) {
  if (npu_ == nullptr) return;
  auto placement = std::make_shared<const rknpu::PlacementPlan>(
      model.plan(memory_for(npu.driver), npu_->info()));
  if (!placement->keeps_watts) {
    context.log(LogLevel::warning,
                fmt::format("npu: no placement is projected to keep within {:.1f} W; the nearest "
                            "takes {:.1f} W for prompts and {:.1f} W for answers",
                            npu.max_watts, placement->costs.prompt.watts(),
                            placement->costs.token.watts()));
  }
  rknpu_ = std::make_unique<rknpu::RknpuDevice>(
      context, cpu_, *npu_,
      rknpu::RknpuOptions{
          .place = [placement](const TensorView& w) { return placement->find(w.name); },
          .on_packed = std::move(on_packed)});
}

void Devices::count_from_here() {
  if (npu_ != nullptr) at_start_ = npu_->usage();
}

std::optional<NpuReport> Devices::npu_report() const {
  if (npu_ == nullptr) return std::nullopt;
  const rknpu::RknpuStatus status = rknpu_->status();
  rknpu::NpuUsage usage = npu_->usage();
  usage.n_submits -= at_start_.n_submits;
  usage.busy_ms -= at_start_.busy_ms;
  if (usage.energy_mj) *usage.energy_mj -= at_start_.energy_mj.value_or(0);
  return NpuReport{.driver = npu_->info().driver,
                   .is_silicon = npu_->info().driver != "simulator",
                   .n_matrices = status.n_matrices,
                   .n_on_npu = status.n_on_npu,
                   .n_streamed = status.n_streamed,
                   .n_missed = status.n_missed,
                   .n_bytes = status.n_bytes,
                   .n_faults = status.n_faults,
                   .in_use = status.in_use,
                   .n_submits = usage.n_submits,
                   .busy_ms = usage.busy_ms,
                   .energy_mj = usage.energy_mj,
                   .is_projection = usage.is_projection};
}

}  // namespace wattle::runtime
