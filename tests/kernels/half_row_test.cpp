// SPDX-License-Identifier: Apache-2.0
// to_half: what it promises of every row, and that all sets give the same bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/half.h"
#include "tests/kernels/isa_tables.h"

namespace wattle {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct HalfRow {
  float scale;
  std::vector<uint16_t> half;

  bool operator==(const HalfRow&) const = default;
};

HalfRow to_half(Isa isa, const std::vector<float>& x) {
  HalfRow row{0, std::vector<uint16_t>(x.size() + 1, 0x5a5a)};
  row.scale = test::kernel_table(isa).to_half(x.data(), x.size(), row.half.data());
  EXPECT_EQ(row.half.back(), 0x5a5a) << "written beyond the end";
  row.half.pop_back();
  return row;
}

TEST(HalfRow, KeepsElevenBitsWhateverTheSize) {
  std::mt19937 random(6);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int i = 0; i < 300; ++i) {
    std::vector<float> x(1 + random() % 600);
    const int exponent = static_cast<int>(random() % 220) - 95;
    for (float& v : x) v = std::ldexp(uniform(random), exponent - static_cast<int>(random() % 25));
    const HalfRow scalar = to_half(Isa::scalar, x);
    int e = 0;
    ASSERT_EQ(std::frexp(scalar.scale, &e), 0.5F) << "no power of two";
    float largest = 0;
    for (const float v : x) largest = std::max(largest, std::abs(v));
    for (size_t k = 0; k < x.size(); ++k) {
      const float back = f16_to_f32(scalar.half[k]) * scalar.scale;
      ASSERT_LE(std::abs(f16_to_f32(scalar.half[k])), 32768.0F);
      ASSERT_LE(std::abs(back - x[k]), std::max(std::abs(x[k]) * 0x1p-11F, largest * 0x1p-39F));
    }
    for (const Isa isa : test::isas_that_have("elementwise"))
      ASSERT_EQ(to_half(isa, x), scalar) << isa_name(isa) << ", n = " << x.size();
  }
}

TEST(HalfRow, NothingThatIsNotFiniteHides) {
  for (const Isa isa : test::isas_that_have("elementwise")) {
    for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
      for (const size_t at : {0, 17, 63, 66}) {
        std::vector<float> x(67, 1.0F);
        x[at] = bad;
        const HalfRow row = to_half(isa, x);
        EXPECT_TRUE(std::isnan(row.scale)) << isa_name(isa) << ", " << bad << " at " << at;
        EXPECT_EQ(std::ranges::count(row.half, 0), 67);
      }
    }
  }
}

TEST(HalfRow, ExtremesOfFloats) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
  for (const Isa isa : test::isas_that_have("elementwise")) {
    for (const float v : {0.0F, kSmallest, 0x1p-126F, 0x1p-119F, kLargest}) {
      const HalfRow row = to_half(isa, {v, -v});
      // 2^-136 is the last place of f16 with the largest power of two there is.
      EXPECT_LE(std::abs(double{f16_to_f32(row.half[0])} * row.scale - v),
                std::max(v * 0x1p-11, 0x1p-137))
          << isa_name(isa) << ", " << v;
      EXPECT_EQ(row.half[1], row.half[0] ^ 0x8000);
    }
  }
}

}  // namespace
}  // namespace wattle
