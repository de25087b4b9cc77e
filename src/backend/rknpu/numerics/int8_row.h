// SPDX-License-Identifier: Apache-2.0
// w8a8: rows of floats as int8 with one scale. Products of two such rows are exact in int32 up to
// 133,000 elements: 127 * 127 * n < 2^31.
#pragma once

#include <cstdint>
#include <span>

namespace wattle::rknpu {

// out[i] = x[i] / scale, rounded to nearest, in [-127, 127]; returns the scale: the largest
// magnitude over 127, or 0 where that is below 2^-119, whose inverse would overflow. Where an
// element of x is not finite: zeros, and a scale that is NaN.
float to_int8(std::span<const float> x, int8_t* out) noexcept;

}  // namespace wattle::rknpu
