// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/simulator/core.h"

#include <fmt/format.h>

#include <cstring>

namespace wattle::rknpu {
namespace {

constexpr uint32_t kMaxAmount = 0xffff;

// What both drivers tell the command fetcher of a task: pairs of words, less one.
uint32_t amount_of(uint32_t n_words) { return (n_words + 1) / 2 - 1; }

// Each driver's jobs have been seen to end with these blocks only.
uint32_t blocks_of(Form form) { return form == Form::vendor ? 0xd : 0x1d; }

std::string check_operands(const RegisterFile& r) {
  const bool reads_none = r.bits(0x5034, 0, 0) == 1 && r.bits(0x5044, 4, 4) == 1;
  return reads_none ? std::string() : "further operands are read, which is not simulated";
}

}  // namespace

void Core::reset() noexcept {
  for (RegisterFile& registers : registers_) registers = {};
  set_ = 0;
  blocks_.reset();
}

std::string Core::run_task(const DeviceMemory& memory, Form form, Next& next, Outcome& outcome) {
  const Next here = next;
  if (here.address % 16 != 0)
    return fmt::format("commands at {:#x}, not whole pairs", here.address);
  if (here.amount > kMaxAmount) return fmt::format("{} pairs of commands", here.amount);
  const size_t n_words = 2 * (size_t{here.amount} + 1);
  const std::byte* words = memory.find(here.address, n_words * sizeof(uint64_t));
  if (words == nullptr) return fmt::format("commands are fetched at {:#x}", here.address);
  next = {};
  bool started = false;
  for (size_t i = 0; i < n_words; ++i) {
    uint64_t word = 0;
    std::memcpy(&word, words + i * sizeof word, sizeof word);
    const RegisterWrite write = write_of(word);
    if (write.target == Target::pc) {
      if (write.offset == 0x0010) next.address = write.value & ~15U;
      if (write.offset == 0x0014) next.amount = write.value & kMaxAmount;
    } else if (write.target != Target::enable || write.offset != 0x0008) {
      registers_[set_].set(write);
    } else if (started) {
      return "blocks are started twice in a task";
    } else if (write.value != blocks_of(form)) {
      return fmt::format("blocks {:#x} are started, expected {:#x}", write.value, blocks_of(form));
    } else {
      started = true;
      ConvolutionTask task;
      if (form == Form::rocket) {
        if (std::string why = check_operands(registers_[set_]); !why.empty()) return why;
      }
      if (std::string why = decode(registers_[set_], task); !why.empty()) return why;
      if (std::string why = blocks_.run(task, memory); !why.empty()) return why;
      outcome.done.push_back(task);
      set_ = 1 - set_;
    }
  }
  return started ? std::string() : "no block is started";
}

Core::Outcome Core::run(const DeviceMemory& memory, Form form, std::span<const NpuTask> tasks) {
  Outcome outcome;
  Next next;
  for (size_t i = 0; i < tasks.size() && outcome.why.empty(); ++i) {
    if (i == 0 || form == Form::rocket) next = {tasks[i].address, amount_of(tasks[i].n_words)};
    outcome.why = run_task(memory, form, next, outcome);
    if (!outcome.why.empty())
      outcome.why = fmt::format("task {} of {}: {}", i, tasks.size(), outcome.why);
  }
  return outcome;
}

}  // namespace wattle::rknpu
