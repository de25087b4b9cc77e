// SPDX-License-Identifier: Apache-2.0
// An NPU of command words and bytes: it executes what it is handed and knows nothing of matrices.
// Not silicon: what boards do with wrong programs is only known in part, and times are a model's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "backend/rknpu/form.h"
#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

// What may go wrong, on request.
enum class SimulatedFault {
  none,
  timeout,           // submit: told at once, nothing written
  hang,              // submit: the same after the timeout, of rocket a list's limit, has passed
  corrupted_output,  // submit: a bit of the last task's results is wrong, and nobody tells
  lost,              // submit: the device is gone for good
  out_of_memory,     // allocate
  too_many_files,    // allocate
  owned,             // open: another process has it
};

enum class SimulatedCall { open, allocate, submit };

struct SimulatorOptions {
  // Whose driver it stands for. rocket: a list a domain, three domains a submit, no fault is told.
  Form form = Form::vendor;
  size_t memory_bytes = size_t{15} << 30;  // of all buffers: a board of 16 GiB less what runs on it
  size_t max_buffers = 1000;               // files that a process may open, less its other ones
  // Asked before each call; n counts the calls of its kind from 0. Called by one thread at a time.
  std::function<SimulatedFault(SimulatedCall call, uint64_t n)> fault = {};
};

// Three cores on up to three threads; sixteen domains. A buffer is held twice: as the processor
// writes it and as the device sees it, so that a sync left out shows. Wrong programs end as on
// boards where that is known, else as a timeout that says why. usage() is the cost model's. A list
// that the model takes to be longer than NpuInfo::list_limit ends all the same.
//
// After a fault every submit fails until reset(). Throws NpuFault{owned}.
std::unique_ptr<NpuDevice> open_simulated_npu(SimulatorOptions options = {});

}  // namespace wattle::rknpu
