// SPDX-License-Identifier: Apache-2.0
// One word of an NPU command list: it writes a value to a register of one of the NPU's blocks.
//
//   bits 63-48 target   47-16 value   15-0 register
#pragma once

#include <cstdint>

namespace wattle::rknpu {

inline constexpr uint64_t kAddressEnd = uint64_t{1} << 32;  // addresses of the NPU lie below

enum class Target : uint16_t {
  none = 0,           // no operation: the place of a word that a last task does not need
  version = 0x0041,   // register 0, value 0, before the enable word
  enable = 0x0081,    // register 8: starts the blocks whose bits are set
  pc = 0x0101,        // fetches the command lists
  cna = 0x0201,       // reads features and weights into the buffer of the core
  core = 0x0801,      // multiplies and adds
  dpu = 0x1001,       // converts and writes the results
  dpu_rdma = 0x2001,  // reads further operands of the DPU
};

struct RegisterWrite {
  Target target = Target::none;
  uint16_t offset = 0;
  uint32_t value = 0;

  friend bool operator==(const RegisterWrite&, const RegisterWrite&) = default;
};

constexpr uint64_t word_of(const RegisterWrite& write) noexcept {
  return static_cast<uint64_t>(write.target) << 48 | static_cast<uint64_t>(write.value) << 16 |
         write.offset;
}

constexpr RegisterWrite write_of(uint64_t word) noexcept {
  return {static_cast<Target>(word >> 48), static_cast<uint16_t>(word),
          static_cast<uint32_t>(word >> 16)};
}

}  // namespace wattle::rknpu
