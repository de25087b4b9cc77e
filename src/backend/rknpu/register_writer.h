// SPDX-License-Identifier: Apache-2.0
// Writes in order, to one block of the NPU at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/rknpu/command_word.h"

namespace wattle::rknpu {

// Two fields of 16 bits.
constexpr uint32_t pair(uint32_t high, uint32_t low) { return high << 16 | low; }

class RegisterWriter {
 public:
  explicit RegisterWriter(std::vector<RegisterWrite>& writes) : writes_(writes) {}

  void to(Target target) { target_ = target; }
  void set(uint16_t offset, uint32_t value) { writes_.push_back({target_, offset, value}); }
  // Every register from first to last.
  void clear(uint16_t first, uint16_t last) {
    for (uint32_t offset = first; offset <= last; offset += 4)
      set(static_cast<uint16_t>(offset), 0);
  }

 private:
  std::vector<RegisterWrite>& writes_;
  Target target_ = Target::none;
};

}  // namespace wattle::rknpu
