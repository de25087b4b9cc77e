// SPDX-License-Identifier: Apache-2.0
// Every step against a version that sorts everything and adds up everything.
#include "sampling/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <vector>

namespace wattle::sampling {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

std::vector<int> ids_of(const Candidates& c) {
  std::vector<int> out;
  for (const Candidate& x : c.all()) out.push_back(to_int(x.id));
  return out;
}

// All ids that are not forbidden, best first.
std::vector<int> sorted_ids(const std::vector<float>& logits) {
  std::vector<int> ids;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] != kForbidden) ids.push_back(static_cast<int>(i));
  }
  std::stable_sort(ids.begin(), ids.end(), [&](int a, int b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  });
  return ids;
}

std::map<int, double> probabilities(const std::vector<float>& logits, const std::vector<int>& ids) {
  double total = 0.0;
  for (const int id : ids) total += std::exp(double{logits[static_cast<size_t>(id)]});
  std::map<int, double> p;
  for (const int id : ids) p[id] = std::exp(double{logits[static_cast<size_t>(id)]}) / total;
  return p;
}

// The shortest prefix of `ids` whose probabilities add up to `share`.
std::vector<int> prefix(std::vector<int> ids, const std::map<int, double>& p, double share) {
  double sum = 0.0;
  for (size_t i = 0; i < ids.size(); ++i) {
    sum += p.at(ids[i]);
    if (sum >= share) {
      ids.resize(i + 1);
      break;
    }
  }
  return ids;
}

// Distinct values at random, so that rounding never decides what a step keeps; or few values, with
// many ties. Some are forbidden.
std::vector<float> random_logits(std::mt19937& gen, size_t n, bool ties) {
  std::vector<float> logits(n);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  for (float& x : logits) x = ties ? static_cast<float>(gen() % 4) : normal(gen);
  for (size_t i = 0; i < n / 10; ++i) logits[gen() % n] = kForbidden;
  return logits;
}

TEST(Candidates, TakeBestAgreesWithSortingTheVocabulary) {
  std::mt19937 gen(3);
  Candidates c;
  for (int round = 0; round < 400; ++round) {
    const std::vector<float> logits = random_logits(gen, 2 + gen() % 400, round % 2 == 0);
    std::vector<int> expected = sorted_ids(logits);
    const size_t k = 1 + gen() % 100;
    c.take_best(logits, k);
    expected.resize(std::min(expected.size(), k));
    EXPECT_EQ(ids_of(c), expected);
  }
}

TEST(Candidates, TakeBestOfZeroTakesAllInTheOrderOfIds) {
  Candidates c;
  c.take_best(std::vector<float>{1, 5, kForbidden, 3}, 0);
  EXPECT_EQ(ids_of(c), (std::vector<int>{0, 1, 3}));
}

TEST(Candidates, TopPAgreesWithAddingUpTheSortedProbabilities) {
  std::mt19937 gen(4);
  Candidates c;
  for (int round = 0; round < 200; ++round) {
    const std::vector<float> logits = random_logits(gen, 2 + gen() % 2000, false);
    const double share = static_cast<double>(gen() % 1000) / 1000.0;
    const std::vector<int> sorted = sorted_ids(logits);
    c.take_best(logits, 0);
    c.keep_top_p(share);
    EXPECT_EQ(ids_of(c), prefix(sorted, probabilities(logits, sorted), share));
  }
}

TEST(Candidates, TypicalAgreesWithSortingByDistanceFromTheEntropy) {
  std::mt19937 gen(5);
  Candidates c;
  for (int round = 0; round < 200; ++round) {
    const std::vector<float> logits = random_logits(gen, 2 + gen() % 2000, false);
    const double share = static_cast<double>(gen() % 1000) / 1000.0;
    std::vector<int> ids = sorted_ids(logits);
    const std::map<int, double> p = probabilities(logits, ids);
    double entropy = 0.0;
    for (const auto& [id, x] : p) entropy -= x * std::log(x);
    std::stable_sort(ids.begin(), ids.end(), [&](int a, int b) {
      return std::abs(-std::log(p.at(a)) - entropy) < std::abs(-std::log(p.at(b)) - entropy);
    });
    c.take_best(logits, 0);
    c.keep_typical(share);
    EXPECT_EQ(ids_of(c), prefix(ids, p, share));
  }
}

TEST(Candidates, MinPKeepsWhatIsLikelyEnoughBesideTheBest) {
  std::mt19937 gen(6);
  Candidates c;
  for (int round = 0; round < 200; ++round) {
    const std::vector<float> logits = random_logits(gen, 2 + gen() % 500, false);
    const double ratio = static_cast<double>(gen() % 1000) / 1000.0;
    const std::vector<int> sorted = sorted_ids(logits);
    const std::map<int, double> p = probabilities(logits, sorted);
    std::vector<int> expected;
    for (const auto& [id, x] : p) {
      if (x >= ratio * p.at(sorted.front())) expected.push_back(id);
    }
    c.take_best(logits, 0);
    c.keep_min_p(ratio);
    EXPECT_EQ(ids_of(c), expected);
  }
}

TEST(Candidates, EqualLogitsGoByIdInEveryStep) {
  Candidates c;
  c.take_best(std::vector<float>(1000, 2.0f), 0);
  c.keep_typical(0.5);
  EXPECT_EQ(c.all().size(), 500u);
  c.keep_top_p(0.1);
  ASSERT_EQ(c.all().size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(to_int(c.all()[static_cast<size_t>(i)].id), i);
}

TEST(Candidates, AStepNeverLeavesNone) {
  Candidates c;
  for (const double extreme : {0.0, 1.0}) {
    c.take_best(std::vector<float>{-1e30f, 3e38f, 0.0f}, 0);
    c.keep_typical(extreme);
    EXPECT_FALSE(c.all().empty());
    c.keep_top_p(extreme);
    EXPECT_FALSE(c.all().empty());
    c.keep_min_p(extreme);
    EXPECT_FALSE(c.all().empty());
  }
}

TEST(Candidates, DrawWalksTheCumulativeSum) {
  Candidates c;
  // Weights 1, 2, 5 of 8.
  c.take_best(std::vector<float>{0.0f, std::log(2.0f), std::log(5.0f)}, 0);
  EXPECT_EQ(c.draw(1.0, 0.0), TokenId(0));
  EXPECT_EQ(c.draw(1.0, 0.124), TokenId(0));
  EXPECT_EQ(c.draw(1.0, 0.126), TokenId(1));
  EXPECT_EQ(c.draw(1.0, 0.374), TokenId(1));
  EXPECT_EQ(c.draw(1.0, 0.376), TokenId(2));
  EXPECT_EQ(c.draw(1.0, 0.9999999999999999), TokenId(2));
  EXPECT_EQ(c.draw(1e-30, 0.5), TokenId(2));  // all the weight on the best
}

}  // namespace
}  // namespace wattle::sampling
