// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/numerics/half_row.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "backend/rknpu/numerics/largest.h"
#include "base/half.h"

namespace wattle::rknpu {
namespace {

constexpr int kBias = 127;            // of an f32's exponent
constexpr int kLargestExponent = 14;  // of an element, after scaling

constexpr float power_of_two(int exponent) {
  return std::bit_cast<float>(static_cast<uint32_t>(exponent + kBias) << 23);
}

}  // namespace

float to_half(std::span<const float> x, uint16_t* out) noexcept {
  const float largest = largest_magnitude(x);
  if (!(largest <= std::numeric_limits<float>::max())) {
    std::fill_n(out, x.size(), uint16_t{0});
    return std::numeric_limits<float>::quiet_NaN();
  }
  const int biased = static_cast<int>(std::bit_cast<uint32_t>(largest) >> 23);
  // Both this power and its inverse are normal; elements below 2^-98 use fewer bits of f16.
  const int exponent = largest == 0 ? 0 : std::min(kLargestExponent - (biased - kBias), 112);
  const float up = power_of_two(exponent);
  for (size_t i = 0; i < x.size(); ++i) out[i] = f32_to_f16(x[i] * up);
  return power_of_two(-exponent);
}

}  // namespace wattle::rknpu
