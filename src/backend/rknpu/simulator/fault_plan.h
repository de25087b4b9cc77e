// SPDX-License-Identifier: Apache-2.0
// Faults of the simulator as text.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "backend/rknpu/simulator/simulated_npu.h"

namespace wattle::rknpu {

// "timeout@3,corrupted@10,no-memory/5": the third submit times out, the tenth has a wrong result,
// every fifth allocation fails. Of several for one call the first counts.
//   submit:   timeout, hang, corrupted, lost
//   allocate: no-memory, no-files
//   open:     owned (no number)
// For SimulatorOptions::fault. Throws Error{usage} that names the piece which is none of that.
std::function<SimulatedFault(SimulatedCall call, uint64_t n)> parse_fault_plan(
    std::string_view text);

}  // namespace wattle::rknpu
