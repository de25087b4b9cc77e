// SPDX-License-Identifier: Apache-2.0
// Tasks as the words that a driver hands to the NPU.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/rknpu/form.h"
#include "backend/rknpu/matmul_task.h"
#include "backend/rknpu/rk3576_task.h"

namespace wattle::rknpu {

struct TaskCommands {
  std::vector<uint64_t> words;  // the body and the four words that end it
  uint32_t address = 0;         // where the words lie, for the NPU
};

// What the vendor's kernel driver reads of a task: 40 bytes, as in its header.
struct [[gnu::packed]] TaskDescriptor {
  uint32_t flags = 0;
  uint32_t op_idx = 0;
  uint32_t enable_mask = 0;
  uint32_t int_mask = 0x300;  // the DPU has finished
  uint32_t int_clear = 0x1ffff;
  uint32_t int_status = 0;     // written by the driver
  uint32_t regcfg_amount = 0;  // words of the body
  uint32_t regcfg_offset = 0;
  uint64_t regcmd_addr = 0;
};
static_assert(sizeof(TaskDescriptor) == 40);

// The commands of tasks that run one after the other and lie one after the other from `address` on.
// Throws Error (bad_input) where `address` is not a multiple of 16, or they do not end below 4 GiB.
std::vector<TaskCommands> commands_of(std::span<const MatmulTask> tasks, Form form,
                                      uint32_t address);

// Of the one task that there is. Throws as register_writes does, and Error (bad_input) for an
// address as above.
TaskCommands commands_of(const Rk3576Task& task, uint32_t address);

// Of commands at `address`, of Form::vendor; n_words with the four that end them.
TaskDescriptor descriptor_of(uint32_t address, uint32_t n_words);

}  // namespace wattle::rknpu
