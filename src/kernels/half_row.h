// SPDX-License-Identifier: Apache-2.0
// What the sets' to_half share. Always inlined, as ISA files use it: they may not leave copies for
// others to link.
#pragma once

#include <cstdint>

namespace wattle::kernels {

// Of the power of two by which a row with that largest magnitude is multiplied. largest: its bits.
// Both this power and its inverse are normal, so a row whose largest is below 2^-98 is not brought
// up all the way and uses less of the range of f16.
[[gnu::always_inline]] inline int half_row_exponent(uint32_t largest) noexcept {
  constexpr int kBias = 127;
  constexpr int kLargestExponent = 14;  // of an element, after scaling
  if (largest == 0) return 0;
  const int exponent = kLargestExponent + kBias - static_cast<int>(largest >> 23);
  return exponent < 112 ? exponent : 112;
}

[[gnu::always_inline]] inline float power_of_two(int exponent) noexcept {
  return __builtin_bit_cast(float, static_cast<uint32_t>(exponent + 127) << 23);
}

}  // namespace wattle::kernels
