// SPDX-License-Identifier: Apache-2.0
// Random weights of any tensor type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/split_mix64.h"
#include "tensor/dtype.h"

namespace wattle::measure {

// Blocks are made directly, not encoded from floats: every bit of the codes is random, and the
// scales are set so that the decoded values have a mean of zero and the deviation asked for, with
// some variation from block to block. Numbers depend on nothing but the seed.
class RandomWeights {
 public:
  explicit RandomWeights(uint64_t seed) noexcept : rng_(seed) {}

  // A whole number of blocks. 0 < deviation; 4 deviations must fit the type's range.
  void fill(DType type, float deviation, std::span<std::byte> blocks);

  // About normally distributed, no further than 3.5 deviations from the mean.
  void fill(float mean, float deviation, std::span<float> out) noexcept;

 private:
  float normal() noexcept;
  template <class Block>
  void fill_blocks(DType type, float deviation, std::span<std::byte> bytes);
  template <class Block>
  float unit_deviation(DType type);
  template <class Block>
  void fill_random(std::span<Block> blocks) noexcept;

  SplitMix64 rng_;
};

}  // namespace wattle::measure
