// SPDX-License-Identifier: Apache-2.0
// Rows of floats as int8, or int4, with one scale. Sums of products of two int8 rows are exact in
// int32 up to 133,000 elements: 127 * 127 * n < 2^31; of two int4 rows in int16 up to 668.
#pragma once

#include <cstdint>
#include <span>

namespace wattle::rknpu {

// out[i] = x[i] / scale, rounded to nearest, in [-127, 127]; returns the scale: the largest
// magnitude over 127, or 0 where that is below 2^-119, whose inverse would overflow. Where an
// element of x is not finite: zeros, and a scale that is NaN.
float to_int8(std::span<const float> x, int8_t* out) noexcept;

// The same in [-7, 7]; the scale is the largest magnitude over 7.
float to_int4(std::span<const float> x, int8_t* out) noexcept;

}  // namespace wattle::rknpu
