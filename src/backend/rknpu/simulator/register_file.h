// SPDX-License-Identifier: Apache-2.0
// The registers of one core's blocks, as command words set them.
#pragma once

#include <array>
#include <cstdint>

#include "backend/rknpu/command_word.h"

namespace wattle::rknpu {

class RegisterFile {
 public:
  // Writes to addresses that the named block does not answer to are ignored, as the hardware does.
  void set(const RegisterWrite& write) noexcept {
    if (write.offset >> 12 == block_of(write.target)) values_[write.offset / 4] = write.value;
  }
  uint32_t get(uint16_t offset) const noexcept { return values_[offset / 4]; }
  uint32_t bits(uint16_t offset, unsigned high, unsigned low) const noexcept {
    return static_cast<uint32_t>(get(offset) >> low & ((uint64_t{1} << (high - low + 1)) - 1));
  }

 private:
  static constexpr unsigned block_of(Target target) noexcept {
    switch (target) {
      case Target::cna: return 1;
      case Target::core: return 3;
      case Target::dpu: return 4;
      case Target::dpu_rdma: return 5;
      default: return kNoBlock;
    }
  }
  static constexpr unsigned kNoBlock = 16;
  static constexpr uint16_t kEnd = 0x6000;  // blocks have offsets of their own: one array holds all
  std::array<uint32_t, kEnd / 4> values_{};
};

}  // namespace wattle::rknpu
