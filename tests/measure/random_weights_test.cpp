// SPDX-License-Identifier: Apache-2.0
// What random blocks decode to, by the decoder that every kernel is held to.
#include "measure/random_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "quant/blocks.h"
#include "quant/decode.h"

namespace wattle::measure {
namespace {

constexpr size_t kElements = size_t{1} << 18;

AlignedBuffer<std::byte> random_row(DType type, float deviation, uint64_t seed) {
  AlignedBuffer<std::byte> row(row_bytes(type, kElements));
  RandomWeights(seed).fill(type, deviation, row.span());
  return row;
}

class RandomWeightsOf : public testing::TestWithParam<DTypeInfo> {};

TEST_P(RandomWeightsOf, HaveNoMeanAndTheDeviationAskedFor) {
  // Those of matrices with 256 and with 20000 columns.
  for (const float deviation : {1.0f / 16.0f, 0.007f}) {
    const auto row = random_row(GetParam().type, deviation, 7);
    std::vector<float> values(kElements);
    quant::dequantize_row(GetParam().type, row.data(), values.data(), values.size());
    double sum = 0;
    double squares = 0;
    for (const float v : values) {
      ASSERT_TRUE(std::isfinite(v));
      ASSERT_LT(std::fabs(v), 8 * deviation);
      sum += v;
      squares += double{v} * v;
    }
    // 2^18 values: the mean of independent ones is within 0.2 % of a deviation, thrice that here as
    // a block shares a scale. Small scales are rounded to the steps of f16's smallest numbers.
    EXPECT_NEAR(sum / kElements / deviation, 0, 0.01);
    EXPECT_NEAR(std::sqrt(squares / kElements) / deviation, 1, 0.02);
  }
}

TEST_P(RandomWeightsOf, DependOnTheSeedAlone) {
  const auto same = [&](uint64_t a, uint64_t b) {
    const auto x = random_row(GetParam().type, 0.02f, a);
    const auto y = random_row(GetParam().type, 0.02f, b);
    return std::equal(x.span().begin(), x.span().end(), y.span().begin());
  };
  EXPECT_TRUE(same(1, 1));
  EXPECT_FALSE(same(1, 2));
}

INSTANTIATE_TEST_SUITE_P(EveryType, RandomWeightsOf,
                         testing::ValuesIn(all_dtypes().begin(), all_dtypes().end()),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(RandomWeights, HaveNoCodeThatEncodersNeverMake) {
  const auto row = random_row(DType::q8_0, 0.02f, 3);
  const auto* blocks = reinterpret_cast<const quant::BlockQ8_0*>(row.data());
  for (size_t b = 0; b < kElements / 32; ++b) {
    for (const int8_t q : blocks[b].qs) ASSERT_NE(q, -128);
  }
}

// Single steps of f32, worked out outside. Fused, the fourth would end in 4e.
TEST(RandomWeights, FloatsAreTheSameOnEveryMachine) {
  std::vector<float> values(4);
  RandomWeights(1).fill(1.0f, 0.1f, values);
  EXPECT_EQ(values, (std::vector{0x1.e06220p-1f, 0x1.1b747ep+0f, 0x1.28e3a6p+0f, 0x1.1e6b4cp+0f}));
}

TEST(RandomWeights, FloatsHaveTheMeanAskedFor) {
  std::vector<float> values(kElements);
  RandomWeights(5).fill(1.0f, 0.1f, values);
  double sum = 0;
  for (const float v : values) {
    sum += v;
    ASSERT_NEAR(v, 1.0f, 0.35f);
  }
  EXPECT_NEAR(sum / kElements, 1.0, 0.001);
}

}  // namespace
}  // namespace wattle::measure
