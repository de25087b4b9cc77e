// SPDX-License-Identifier: Apache-2.0
// The operands of recorded products: a 32-bit xorshift, elements row by row (rknpu/README.md of the
// reference data).
#pragma once

#include <cstdint>
#include <vector>

#include "backend/rknpu/matmul_plan.h"

namespace wattle::rknpu {

class RecordedInputs {
 public:
  static RecordedInputs of_a(const Matmul& p) { return RecordedInputs(0x12345678, p); }
  static RecordedInputs of_b(const Matmul& p) { return RecordedInputs(0x9abcdef1, p); }

  float next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    const uint32_t top = state_ >> 24;
    switch (type_) {
      case MatmulType::i8_i8_i32: return static_cast<int8_t>(top);
      case MatmulType::i4_i4_i16: return static_cast<float>(top & 15) - 8;
      default: return (static_cast<float>(top & 31) - 16) / 8;
    }
  }

 private:
  RecordedInputs(uint32_t seed, const Matmul& p)
      : state_(seed + 7 * p.m + 13 * p.k + 17 * p.n), type_(p.type) {}

  uint32_t state_;
  MatmulType type_;
};

}  // namespace wattle::rknpu
