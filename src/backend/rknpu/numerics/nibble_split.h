// SPDX-License-Identifier: Apache-2.0
// w4a8: a product of int8 activations and int4 weights on multipliers that take int4 alone, exact.
//
// An activation q in [-128, 127] is two digits, high = floor(q / 16) in [-8, 7] and low = q mod 16
// less 8, in [-8, 7] too, so q = 16 high + low + 8. Over the weights b of a column of a tile
//
//   sum q b = 16 sum high b + sum low b + 8 sum b
//
// The first two sums are two rows of an int4 product, which reads the weights once for both; the
// last depends on the weights alone. The NPU gives each sum in int16.
//
// That neither sum leaves int16 is certified for each column, once, from its weights. With P the
// sum of its positive weights and N that of its negative ones' magnitudes, and digits in [-8, 7],
// a sum is largest where the digit is 7 at every positive weight and -8 at every negative one:
// 7 P + 8 N, and smallest with these exchanged: -(8 P + 7 N). Both are reached, so the bounds are
// tight. They hold for every partial sum in any order as well: a part of the weights has sums
// P' <= P and N' <= N. So the hardware may saturate or wrap, at the end or on the way: it never
// gets there. Weights in [-8, 7] make P and N at most 7 n and 8 n, so up to 511 weights need no
// certificate: 8 * 8 * 511 = 32704.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace wattle::rknpu {

struct Digits {
  int8_t high;
  int8_t low;
};

constexpr Digits digits_of(int8_t q) noexcept {
  return {static_cast<int8_t>(q >> 4), static_cast<int8_t>((q & 15) - 8)};
}

// sum q b of the sums over the digits and the sum of the weights.
constexpr int32_t join_digits(int32_t high_sum, int32_t low_sum, int32_t weight_sum) noexcept {
  return 16 * high_sum + low_sum + 8 * weight_sum;
}

struct SumBounds {
  int32_t smallest;
  int32_t largest;

  constexpr bool fit_int16() const noexcept {
    return smallest >= INT16_MIN && largest <= INT16_MAX;
  }
};

// Of any sum over digits in [-8, 7]; weights in [-8, 7], at most 2^24 of them.
constexpr SumBounds digit_sum_bounds(std::span<const int8_t> weights) noexcept {
  int32_t positive = 0;
  int32_t negative = 0;
  for (const int8_t b : weights) (b > 0 ? positive : negative) += b > 0 ? b : -b;
  return {-(8 * positive + 7 * negative), 7 * positive + 8 * negative};
}

// Two int4 a byte as the NPU reads them: the even one in the high half. codes in [-8, 7], an even
// number of them.
constexpr void pack_int4(std::span<const int8_t> codes, std::byte* out) noexcept {
  for (size_t i = 0; i < codes.size(); i += 2)
    out[i / 2] = static_cast<std::byte>((codes[i] & 15) << 4 | (codes[i + 1] & 15));
}

}  // namespace wattle::rknpu
