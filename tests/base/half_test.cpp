// SPDX-License-Identifier: Apache-2.0
#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

namespace wattle {
namespace {

// The definition of binary16, in double.
double f16_value(uint16_t h) {
  const int exponent = h >> 10 & 31;
  const int mantissa = h & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

bool is_finite(uint16_t h) { return (h & 0x7c00) != 0x7c00; }

TEST(Half, EveryFiniteF16DecodesToItsValueAndBack) {
  for (uint32_t i = 0; i < 0x10000; ++i) {
    const auto h = static_cast<uint16_t>(i);
    if (!is_finite(h)) continue;
    ASSERT_EQ(static_cast<double>(f16_to_f32(h)), f16_value(h)) << i;
    ASSERT_EQ(std::signbit(f16_to_f32(h)), (h & 0x8000) != 0) << i;
    ASSERT_EQ(f32_to_f16(f16_to_f32(h)), h) << i;
  }
}

TEST(Half, RoundsToNearestTiesToEven) {
  for (uint32_t i = 0; i + 1 < 0x7c00; ++i) {
    const auto low = static_cast<uint16_t>(i);
    const auto high = static_cast<uint16_t>(i + 1);
    // The middle of two neighbours is a float, as are its own neighbours.
    const auto middle = static_cast<float>((f16_value(low) + f16_value(high)) / 2);
    ASSERT_EQ(f32_to_f16(middle), i % 2 == 0 ? low : high) << i;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 0.0f)), low) << i;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 1e9f)), high) << i;
    ASSERT_EQ(f32_to_f16(-middle), f32_to_f16(middle) | 0x8000) << i;
  }
}

TEST(Half, OverflowIsInfinityAndNanStaysNan) {
  EXPECT_EQ(f32_to_f16(65504.0f), 0x7bff);
  EXPECT_EQ(f32_to_f16(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(-HUGE_VALF), 0xfc00);
  EXPECT_TRUE(std::isinf(f16_to_f32(0x7c00)));
  EXPECT_TRUE(std::isnan(f16_to_f32(0x7c01)));
  EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(NAN))));
}

TEST(Half, Bf16IsTheUpperHalfOfAFloat) {
  EXPECT_EQ(bf16_to_f32(0x3f80), 1.0f);
  EXPECT_EQ(bf16_to_f32(0xc0a0), -5.0f);
  EXPECT_EQ(bf16_to_f32(0x0001), 0x1p-133f);
}

}  // namespace
}  // namespace wattle
