// SPDX-License-Identifier: Apache-2.0
#include "sampling/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "wattle/error.h"

namespace wattle::sampling {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// Every step off.
SamplingParams plain(uint64_t seed) {
  SamplingParams p;
  p.seed = seed;
  p.temperature = 1.0f;
  p.top_k = 0;
  p.top_p = 1.0f;
  p.min_p = 0.0f;
  return p;
}

// Tokens 0..25 are letters.
void letters(TokenId id, std::string& out) { out += static_cast<char>('a' + to_int(id)); }

std::vector<int> draw(const SamplingParams& params, const std::vector<float>& logits, int n) {
  Sampler sampler(params, logits.size(), letters);
  std::vector<int> out;
  for (int i = 0; i < n; ++i) {
    const TokenId id = sampler.sample(logits);
    sampler.accept(id);
    out.push_back(to_int(id));
  }
  return out;
}

double chi_square(const std::vector<int>& drawn, const std::vector<double>& p) {
  std::vector<int> count(p.size(), 0);
  for (const int id : drawn) ++count[static_cast<size_t>(id)];
  double chi2 = 0.0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double expected = p[i] * static_cast<double>(drawn.size());
    if (expected > 0) chi2 += (count[i] - expected) * (count[i] - expected) / expected;
  }
  return chi2;
}

const std::vector<float> kLogits{1.0f, 3.0f, 2.0f, 0.0f, -1.0f, 2.5f, 0.5f, 1.5f};

std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  std::vector<double> p;
  double total = 0.0;
  for (const float x : logits) total += p.emplace_back(std::exp(double{x} / temperature));
  for (double& x : p) x /= total;
  return p;
}

// 24.3: chi-square of 7 degrees of freedom exceeds it once in 1,000 seeds; the seeds are fixed.
TEST(Sampler, DrawsFromTheSoftmax) {
  EXPECT_LT(chi_square(draw(plain(1), kLogits, 20000), softmax(kLogits, 1.0)), 24.3);
}

TEST(Sampler, TemperatureSharpensTheDistribution) {
  SamplingParams p = plain(2);
  p.temperature = 0.5f;
  EXPECT_LT(chi_square(draw(p, kLogits, 20000), softmax(kLogits, 0.5)), 24.3);
  EXPECT_GT(chi_square(draw(p, kLogits, 20000), softmax(kLogits, 1.0)), 24.3);
}

TEST(Sampler, DrawsFromWhatTheStepsLeave) {
  SamplingParams p = plain(3);
  p.top_k = 3;  // tokens 1, 5, 2
  std::vector<float> left(kLogits.size(), -kInf);
  for (const size_t id : {1u, 5u, 2u}) left[id] = kLogits[id];
  const std::vector<int> drawn = draw(p, kLogits, 20000);
  for (const int id : drawn) ASSERT_TRUE(id == 1 || id == 5 || id == 2);
  EXPECT_LT(chi_square(drawn, softmax(left, 1.0)), 13.8);  // 2 degrees of freedom
}

// Temperature comes last: 1 / 0.4 = 2.5 would otherwise flatten the distribution before top-p.
TEST(Sampler, TruncatesBeforeItAppliesTheTemperature) {
  const std::vector<float> logits{4.0f, 0.0f, 0.0f, 0.0f};  // p(0) = 0.948
  SamplingParams p = plain(4);
  p.top_p = 0.9f;
  p.temperature = 10.0f;
  for (const int id : draw(p, logits, 200)) EXPECT_EQ(id, 0);
}

TEST(Sampler, SameSeedSameTokens) {
  SamplingParams p;
  p.seed = 99;
  EXPECT_EQ(draw(p, kLogits, 200), draw(p, kLogits, 200));
  SamplingParams other = p;
  other.seed = 100;
  EXPECT_NE(draw(p, kLogits, 200), draw(other, kLogits, 200));
}

// What a seed means is part of the interface: this list, from a separate implementation in Python
// of the generator and the walk along the cumulative sum, may never change.
TEST(Sampler, ASeedMeansTheseTokens) {
  EXPECT_EQ(
      draw(plain(12345), kLogits, 24),
      (std::vector<int>{5, 1, 7, 0, 2, 0, 1, 1, 1, 7, 5, 2, 5, 7, 1, 5, 2, 5, 2, 1, 1, 1, 1, 1}));
}

TEST(Sampler, WithoutASeedEachSamplerHasItsOwn) {
  SamplingParams p;
  EXPECT_NE(Sampler(p, 8, letters).seed(), Sampler(p, 8, letters).seed());
}

TEST(Sampler, GreedyTakesTheLowestIdOnATie) {
  SamplingParams p;
  p.temperature = 0.0f;
  EXPECT_EQ(draw(p, {1.0f, 4.0f, 2.0f, 4.0f}, 3), (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(draw(p, std::vector<float>(500, 0.0f), 1), (std::vector<int>{0}));
}

TEST(Sampler, GreedyIgnoresTheStepsThatTruncate) {
  SamplingParams p;
  p.temperature = 0.0f;
  p.typical_p = 0.01f;  // would leave out the likeliest token here
  EXPECT_EQ(draw(p, {5.0f, 4.0f, 4.0f, 4.0f, 4.0f, 4.0f}, 1), (std::vector<int>{0}));
}

TEST(Sampler, TakesTheOnlyTokenThatIsAllowed) {
  std::vector<float> logits(300, -kInf);
  logits[217] = -50.0f;
  for (const float temperature : {0.0f, 1.0f}) {
    SamplingParams p;
    p.temperature = temperature;
    EXPECT_EQ(draw(p, logits, 2), (std::vector<int>{217, 217}));
  }
}

TEST(Sampler, BiasMovesAndForbids) {
  SamplingParams p;
  p.temperature = 0.0f;
  p.logit_bias = {{TokenId(1), -kInf}};
  EXPECT_EQ(draw(p, kLogits, 1), (std::vector<int>{5}));
  p.logit_bias.push_back({TokenId(4), 10.0f});
  EXPECT_EQ(draw(p, kLogits, 1), (std::vector<int>{4}));
}

TEST(Sampler, PenaltiesLookAtTheLastTokensOnly) {
  SamplingParams p;
  p.temperature = 0.0f;
  p.presence_penalty = 100.0f;
  p.repeat_last_n = 2;
  // The best three in turn: each is allowed again when two others came after it.
  EXPECT_EQ(draw(p, kLogits, 7), (std::vector<int>{1, 5, 2, 1, 5, 2, 1}));
}

TEST(Sampler, DryEndsALoopUnlessABreakerLiesInside) {
  SamplingParams p;
  p.temperature = 0.0f;
  p.dry_multiplier = 5.0f;
  p.dry_sequence_breakers = {};
  // Greedy would say token 1 for ever.
  EXPECT_EQ(draw(p, kLogits, 4), (std::vector<int>{1, 1, 1, 5}));
  p.dry_sequence_breakers = {"b"};
  EXPECT_EQ(draw(p, kLogits, 4), (std::vector<int>{1, 1, 1, 1}));
}

ErrorCode error_of(const SamplingParams& params, const std::vector<float>& logits) {
  try {
    draw(params, logits, 1);
  } catch (const Error& e) {
    return e.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::io;
}

TEST(Sampler, RefusesLogitsThatAreNoNumbers) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float bad : {nan, kInf}) {
    std::vector<float> logits(300, 0.0f);
    logits[299] = bad;
    EXPECT_EQ(error_of({}, logits), ErrorCode::bad_input);
    logits = std::vector<float>(300, bad);
    EXPECT_EQ(error_of({}, logits), ErrorCode::bad_input);
  }
}

TEST(Sampler, RefusesToPickWhereAllIsForbidden) {
  EXPECT_EQ(error_of({}, std::vector<float>(10, -kInf)), ErrorCode::usage);
}

TEST(Sampler, RefusesABiasThatLeavesTheRangeOfNumbers) {
  SamplingParams p;
  p.logit_bias = {{TokenId(0), 3e38f}, {TokenId(0), 3e38f}};
  EXPECT_EQ(error_of(p, kLogits), ErrorCode::usage);
}

}  // namespace
}  // namespace wattle::sampling
