// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/program.h"

#include <fmt/format.h>

#include <optional>

#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

constexpr uint32_t kTailWords = 4;

// From one task's commands to the next one's.
constexpr uint32_t task_bytes(Form form) { return form == Form::rocket ? 0x400 : 0x380; }

constexpr uint32_t enabled_blocks(Form form) {
  return form == Form::rocket ? 0x1d : 0xd;  // CNA, CORE and DPU; with what the DPU reads
}

// Half the words of the next body, and one more: what the command fetcher counts in.
constexpr uint32_t fetches_of(size_t body_words) {
  return static_cast<uint32_t>((body_words + 1) / 2 + 1);
}

void check_address(uint32_t address, size_t n_tasks, size_t n_bytes) {
  if (address % 16 != 0) {
    throw Error(ErrorCode::bad_input,
                fmt::format("commands at {:#x}, expected a multiple of 16", address),
                "the command fetcher reads pairs of words");
  }
  if (n_bytes > kAddressEnd - address) {
    throw Error(ErrorCode::bad_input,
                fmt::format("commands of {} {} at {:#x} do not fit 32-bit addresses", n_tasks,
                            n_tasks == 1 ? "task" : "tasks", address),
                "cut the product in pieces, or choose a lower address");
  }
}

// The four words that end a task: where the next one's commands lie, if there is one, and how many
// fetches they take; then the blocks start.
void end_task(std::vector<uint64_t>& words, std::optional<uint32_t> next, uint32_t n_fetches,
              uint32_t blocks) {
  words.push_back(next ? word_of({Target::pc, 0x0010, *next}) : uint64_t{0});
  words.push_back(word_of({Target::pc, 0x0014, next ? n_fetches : 0}));
  words.push_back(word_of({Target::version, 0, 0}));
  words.push_back(word_of({Target::enable, 0x0008, blocks}));
}

}  // namespace

std::vector<TaskCommands> commands_of(std::span<const MatmulTask> tasks, Form form,
                                      uint32_t address) {
  check_address(address, tasks.size(), tasks.size() * task_bytes(form));
  std::vector<TaskCommands> commands;
  for (size_t i = 0; i < tasks.size(); ++i) {
    TaskCommands& task = commands.emplace_back();
    task.address = address + static_cast<uint32_t>(i) * task_bytes(form);
    const std::vector<RegisterWrite> body = register_writes(tasks[i], form == Form::rocket);
    for (const RegisterWrite& write : body) task.words.push_back(word_of(write));
    std::optional<uint32_t> next;
    if (form == Form::vendor && i + 1 < tasks.size()) next = task.address + task_bytes(form);
    end_task(task.words, next, fetches_of(body.size()), enabled_blocks(form));
  }
  return commands;
}

TaskCommands commands_of(const Rk3576Task& task, uint32_t address) {
  TaskCommands commands{.words = {}, .address = address};
  for (const RegisterWrite& write : register_writes(task)) commands.words.push_back(word_of(write));
  end_task(commands.words, std::nullopt, 0, enabled_blocks(Form::rocket));
  check_address(address, 1, commands.words.size() * sizeof(uint64_t));
  return commands;
}

TaskDescriptor descriptor_of(uint32_t address, uint32_t n_words) {
  TaskDescriptor descriptor;
  descriptor.enable_mask = enabled_blocks(Form::vendor);
  descriptor.regcfg_amount = n_words - kTailWords;
  descriptor.regcmd_addr = address;
  return descriptor;
}

}  // namespace wattle::rknpu
