// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

namespace wattle::rknpu {

// Of the elements' magnitudes. By the bits, as integers: in this order NaN is above infinity, so
// that neither can hide.
inline float largest_magnitude(std::span<const float> x) noexcept {
  uint32_t largest = 0;
  for (const float v : x) largest = std::max(largest, std::bit_cast<uint32_t>(v) & 0x7fffffffU);
  return std::bit_cast<float>(largest);
}

}  // namespace wattle::rknpu
