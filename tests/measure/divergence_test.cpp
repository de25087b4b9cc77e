// SPDX-License-Identifier: Apache-2.0
#include "measure/divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "measure/softmax.h"
#include "tests/support/temp_dir.h"

namespace wattle::measure {
namespace {

// Rows of a file that says what these logits say.
class DivergenceTest : public testing::Test {
 protected:
  LogitsFile saved(const std::vector<std::vector<float>>& rows) const {
    const LogitsFileHeader header{.n_ctx = static_cast<uint32_t>(2 * rows.size() + 1),
                                  .n_vocab = static_cast<uint32_t>(rows[0].size()),
                                  .n_chunk = 1};
    LogitsFileWriter writer(dir_.path() / "base.kld", header, std::vector<TokenId>(header.n_ctx));
    for (const auto& row : rows) writer.add(row);
    writer.commit();
    return LogitsFile(dir_.path() / "base.kld");
  }

  test::TempDir dir_;
};

// The file's steps are 16 / 65535 of a nat.
constexpr double kStep = 3e-4;

TEST_F(DivergenceTest, OfItselfIsNothing) {
  const std::vector<float> logits{1, 2, 3, -1};
  const LogitsFile base = saved({logits});
  Divergence d;
  d.add(logits, base.row(0, 0), TokenId{1});
  EXPECT_NEAR(d.kl().value(), 0, kStep);
  EXPECT_NEAR(d.log_ratio().value(), 0, kStep);
  EXPECT_NEAR(d.p_change().value(), 0, kStep);
  EXPECT_EQ(d.same_top().value(), 1);
}

// Base 3/4 and 1/4, we 1/2 and 1/2: KL = 3/4 ln(3/2) + 1/4 ln(1/2).
TEST_F(DivergenceTest, IsThatOfTheFormula) {
  const LogitsFile base = saved({{std::log(3.0f), 0.0f}});
  Divergence d;
  d.add(std::vector<float>{5.0f, 5.0f}, base.row(0, 0), TokenId{1});
  EXPECT_NEAR(d.kl().value(), 0.75 * std::log(1.5) + 0.25 * std::log(0.5), kStep);
  EXPECT_NEAR(d.nll().value(), std::log(2.0), 1e-6);
  EXPECT_NEAR(d.nll_base().value(), std::log(4.0), kStep);
  EXPECT_NEAR(d.log_ratio().value(), -std::log(2.0), kStep);
  EXPECT_NEAR(d.p_change().value(), 0.25, kStep);
  EXPECT_NEAR(d.p_change_rms(), 0.25, kStep);
}

TEST_F(DivergenceTest, PercentilesLieBetweenNeighbours) {
  // Base 1/2, 1/2; we more and more sure of the second.
  const std::vector<std::vector<float>> level(5, {0.0f, 0.0f});
  const LogitsFile base = saved(level);
  Divergence d;
  std::vector<double> kls;
  for (uint32_t i = 0; i < 5; ++i) {
    const std::vector<float> logits{0.0f, static_cast<float>(4 - i)};
    d.add(logits, base.row(0, i), TokenId{1});
    const double log_sum = std::log(1 + std::exp(4.0 - i));
    kls.push_back(std::log(0.5) + log_sum - 0.5 * (4.0 - i));
  }
  EXPECT_NEAR(d.kl_percentile(0), kls[4], kStep);
  EXPECT_NEAR(d.kl_percentile(0.5), kls[2], kStep);
  EXPECT_NEAR(d.kl_percentile(0.625), (kls[2] + kls[1]) / 2, kStep);
  EXPECT_NEAR(d.kl_percentile(1), kls[0], kStep);
  EXPECT_NEAR(d.p_change_percentile(1), std::exp(4.0) / (1 + std::exp(4.0)) - 0.5, kStep);
  // Equal logits: the first token counts as the best, on both sides.
  EXPECT_DOUBLE_EQ(d.same_top().value(), 0.2);
}

TEST(Softmax, RefusesWhatIsNoNumber) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  EXPECT_DOUBLE_EQ(Softmax(std::vector<float>{2, -kInf}).log_prob(2), 0);
  for (const std::vector<float>& logits :
       {std::vector{kNaN, 1.0f}, {1.0f, kNaN}, {1.0f, kInf}, {-kInf, -kInf}}) {
    EXPECT_THROW(Softmax{logits}, Error) << logits[0] << " " << logits[1];
  }
}

TEST(Mean, HasAStandardError) {
  Mean mean;
  for (const double value : {1.0, 2.0, 3.0, 4.0}) mean.add(value);
  EXPECT_DOUBLE_EQ(mean.value(), 2.5);
  EXPECT_DOUBLE_EQ(mean.error(), std::sqrt(1.25 / 3));
  EXPECT_EQ(Mean().error(), 0);
}

}  // namespace
}  // namespace wattle::measure
