// SPDX-License-Identifier: Apache-2.0
// The smallest good generator of random bits: one word of state, the same numbers everywhere.
#pragma once

#include <cstdint>

namespace wattle {

// SplitMix64 (Steele, Lea, Flood 2014): any seed is good, 0 too.
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) noexcept : state_(seed) {}
  uint64_t next() noexcept {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

}  // namespace wattle
