// SPDX-License-Identifier: Apache-2.0
// The operands of recorded products: a 32-bit xorshift, elements row by row (rknpu/README.md of the
// reference data).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/rknpu/matmul_plan.h"

namespace wattle::rknpu {

struct RecordedInputs {
  std::vector<float> a;  // [m, k]
  std::vector<float> b;  // [n, k], as weights are stored; k outermost on record

  explicit RecordedInputs(const Matmul& p) : a(size_t{p.m} * p.k), b(size_t{p.n} * p.k) {
    Elements of_a(0x12345678, p);
    Elements of_b(0x9abcdef1, p);
    for (float& v : a) v = of_a.next();
    for (size_t k = 0; k < p.k; ++k) {
      for (size_t n = 0; n < p.n; ++n) b[n * p.k + k] = of_b.next();
    }
  }

 private:
  class Elements {
   public:
    Elements(uint32_t seed, const Matmul& p)
        : state_(seed + 7 * p.m + 13 * p.k + 17 * p.n), type_(p.type) {}

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
    uint32_t state_;
    MatmulType type_;
  };
};

}  // namespace wattle::rknpu
