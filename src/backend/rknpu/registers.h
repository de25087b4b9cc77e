// SPDX-License-Identifier: Apache-2.0
// What the registers of the NPU are called, and the fields of their values.
#pragma once

#include <cstdint>
#include <string_view>

#include "backend/rknpu/command_word.h"

namespace wattle::rknpu {

struct Register {
  Target target;
  uint16_t offset;
  std::string_view name;
  // "FIELD[high:low] FIELD[bit] ...", from the highest bits down; "" where it is one number, '-'
  // where it is an address.
  std::string_view fields;
};

// nullptr where that register has no name here.
const Register* find_register(Target target, uint16_t offset) noexcept;

// "CNA"; "?" where there is no such block.
std::string_view name_of(Target target) noexcept;

}  // namespace wattle::rknpu
