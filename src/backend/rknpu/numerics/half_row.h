// SPDX-License-Identifier: Apache-2.0
// w16a16: rows of floats as f16. A power of two brings the largest element of a tile just below
// 2^15, which changes no digit: nothing overflows, and what is 2^29 times smaller than the largest
// still has all 11 bits. Sums of 2^15 products stay below 2^45 and so far inside of f32.
#pragma once

#include <cstdint>
#include <span>

namespace wattle::rknpu {

// out[i] = x[i] / scale, rounded to nearest; returns the scale, a power of two (1 where all of x is
// 0). Where an element of x is not finite: zeros, and a scale that is NaN, so that whatever is
// multiplied by it shows it.
float to_half(std::span<const float> x, uint16_t* out) noexcept;

}  // namespace wattle::rknpu
