// SPDX-License-Identifier: Apache-2.0
// The NPU as a Device on a simulator that does wrong what a test asks for, and how near its
// products are to exact ones.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backend/cpu/cpu_device.h"
#include "backend/rknpu/rknpu_device.h"
#include "backend/rknpu/simulator/simulated_npu.h"
#include "tests/backend/rknpu/places.h"

namespace wattle::rknpu {

// What the simulator is asked to do wrong, by the number of the submit or allocation.
struct Faults {
  std::map<uint64_t, SimulatedFault> at_submit;
  std::map<uint64_t, SimulatedFault> at_allocate;

  uint64_t n_submits = 0;  // that were tried

  SimulatedFault of(SimulatedCall call, uint64_t n) {
    if (call == SimulatedCall::submit) n_submits = n + 1;
    const auto& faults = call == SimulatedCall::submit ? at_submit : at_allocate;
    const auto found = call == SimulatedCall::open ? faults.end() : faults.find(n);
    return found == faults.end() ? SimulatedFault::none : found->second;
  }
};

// all_in for matrices of 100 outputs and more.
inline RknpuOptions large_in(Arithmetic arithmetic, size_t min_rows) {
  RknpuOptions options = all_in(arithmetic, min_rows);
  options.place = [of_large = options.place](const TensorView& w) {
    return w.shape[0] < 100 ? std::nullopt : of_large(w);
  };
  return options;
}

class RknpuDeviceTest : public testing::Test {
 protected:
  RknpuDeviceTest() { simulate(Form::vendor); }
  RknpuDevice device(RknpuOptions options) { return {context, cpu, *npu, std::move(options)}; }
  // Its devices must be gone.
  void simulate(Form form, size_t memory_bytes = SimulatorOptions().memory_bytes) {
    npu = open_simulated_npu(
        {.form = form,
         .memory_bytes = memory_bytes,
         .fault = [this](SimulatedCall call, uint64_t n) { return faults.of(call, n); }});
  }

  Faults faults;
  std::vector<std::string> warnings;
  std::vector<std::string> notes;  // what else is told
  EngineContext context{
      {.n_threads = 2, .isa = Isa::scalar, .log = [this](LogLevel level, std::string_view line) {
         (level == LogLevel::warning ? warnings : notes).emplace_back(line);
       }}};
  CpuDevice cpu{context};
  std::unique_ptr<NpuDevice> npu;
  std::vector<std::unique_ptr<Linear>> linears;
};

// w16a16: 11 bits of each operand. w8a8: a Gaussian row in steps of its largest of some hundred
// over 127, for both operands. w4a8: the same for activations alone, of the largest of 32. w4a4:
// the same over 7.
inline double bound_of(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::w16a16: return 5e-4;
    case Arithmetic::w8a8:
    case Arithmetic::w8a8_plain: return 0.05;
    case Arithmetic::w4a8: return 0.03;
    case Arithmetic::w4a4:
    case Arithmetic::w4a4_plain: return 0.5;
  }
  return 0;
}

}  // namespace wattle::rknpu
