// SPDX-License-Identifier: Apache-2.0
// The random numbers of sampling, with a fixed algorithm, so that a seed means the same text
// everywhere; what std::*_distribution returns is left to each standard library.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "base/split_mix64.h"

namespace wattle::sampling {

// xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021).
class Xoshiro256 {
 public:
  using State = std::array<uint64_t, 4>;
  explicit Xoshiro256(const State& state) noexcept : s_(state) {}
  explicit Xoshiro256(uint64_t seed) noexcept {
    SplitMix64 seeder(seed);
    for (uint64_t& word : s_) word = seeder.next();
  }

  uint64_t next() noexcept {
    const uint64_t result = std::rotl(s_[1] * 5, 7) * 9;
    const uint64_t t = s_[1] << 17;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = std::rotl(s_[3], 45);
    return result;
  }

  // Uniform in [0, 1): the upper 53 bits, every value exact.
  double next_unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  State s_;
};

// A seed from the operating system.
uint64_t fresh_seed();

}  // namespace wattle::sampling
