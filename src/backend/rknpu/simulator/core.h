// SPDX-License-Identifier: Apache-2.0
// One core: fetches command words from memory, sets registers, starts its blocks, and goes on to
// the task that the words name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backend/rknpu/form.h"
#include "backend/rknpu/npu_device.h"
#include "backend/rknpu/simulator/convolution.h"
#include "backend/rknpu/simulator/register_file.h"

namespace wattle::rknpu {

class Core {
 public:
  // What is left when a list of tasks has come to its end.
  struct Outcome {
    std::vector<ConvolutionTask> done;
    std::string why;  // empty, or why the next task never finished
  };

  // Runs `tasks` as the kernel driver of `form` starts them: vendor, the first one, and as many as
  // there are in the chain; rocket, each one. Never throws for what the words say.
  Outcome run(const DeviceMemory& memory, Form form, std::span<const NpuTask> tasks);

  void reset() noexcept;

 private:
  struct Next {  // what the last task's words named
    uint32_t address = 0;
    uint32_t amount = 0;
  };
  std::string run_task(const DeviceMemory& memory, Form form, Next& next, Outcome& outcome);

  // Words go to one set while the other one's task runs.
  RegisterFile registers_[2];
  size_t set_ = 0;
  ConvolutionBlocks blocks_;
};

}  // namespace wattle::rknpu
