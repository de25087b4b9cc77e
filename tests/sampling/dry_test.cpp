// SPDX-License-Identifier: Apache-2.0
#include "sampling/dry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace wattle::sampling {
namespace {

std::vector<TokenId> ids(std::initializer_list<int> list) {
  std::vector<TokenId> out;
  for (const int id : list) out.push_back(TokenId(id));
  return out;
}

// Every earlier place, every length: the longest tail of the window that stands before `next`.
size_t longest_repeat(const std::vector<TokenId>& window, size_t next, size_t max_repeat) {
  size_t n = 0;
  while (n < next && n < max_repeat && window[next - 1 - n] == window[window.size() - 1 - n]) ++n;
  return n;
}

std::vector<float> slowly(const DryFactors& f, const std::vector<TokenId>& window,
                          size_t max_repeat, std::vector<float> logits) {
  for (size_t id = 0; id < logits.size(); ++id) {
    size_t longest = 0;
    for (size_t next = 1; next < window.size(); ++next) {
      if (to_int(window[next]) != static_cast<int>(id)) continue;
      longest = std::max(longest, longest_repeat(window, next, max_repeat));
    }
    if (longest < f.allowed_length) continue;
    logits[id] -= static_cast<float>(
        f.multiplier * std::pow(double{f.base}, static_cast<double>(longest - f.allowed_length)));
  }
  return logits;
}

TEST(Dry, AgreesWithTryingEveryPlaceAndLength) {
  std::mt19937 gen(7);
  int n_changed = 0;
  for (int round = 0; round < 300; ++round) {
    const DryFactors factors{.multiplier = 0.8f, .base = 1.75f, .allowed_length = 1 + gen() % 4};
    std::vector<TokenId> window(gen() % 80);
    const unsigned n_vocab = 2 + gen() % 5;  // few tokens: many repetitions
    for (TokenId& id : window) id = TokenId(static_cast<int>(gen() % n_vocab));
    const size_t max_repeat = gen() % 3 == 0 ? gen() % 6 : window.size();
    const std::vector<float> logits(n_vocab, 1.0f);

    Dry dry(factors, n_vocab);
    for (int again = 0; again < 2; ++again) {
      std::vector<float> got = logits;
      dry.apply(window, max_repeat, got);
      EXPECT_EQ(got, slowly(factors, window, max_repeat, logits));
      n_changed += got != logits ? 1 : 0;
    }
  }
  EXPECT_GT(n_changed, 200);
}

TEST(Dry, LeavesTokensThatContinueNothing) {
  Dry dry({.multiplier = 1.0f, .base = 2.0f, .allowed_length = 2}, 10);
  std::vector<float> logits(10, 0.0f);
  // 1 2 3 . 1 2: token 3 would continue a repetition of length 2.
  dry.apply(ids({1, 2, 3, 9, 1, 2}), 6, logits);
  EXPECT_EQ(logits, (std::vector<float>{0, 0, 0, -1, 0, 0, 0, 0, 0, 0}));
}

TEST(Dry, StaysFiniteOverLongRepetitions) {
  Dry dry({.multiplier = 1e9f, .base = 1e9f, .allowed_length = 1}, 2);
  std::vector<float> logits(2, 0.0f);
  const std::vector<TokenId> window(5000, TokenId(1));
  dry.apply(window, window.size(), logits);
  EXPECT_EQ(logits, (std::vector<float>{0.0f, -1e30f}));
}

TEST(BreakerScan, FindsBreakersWithinAndAcrossTokens) {
  const std::vector<std::string> texts{"a", "b", "\n", "x:y", "*", "**", "end"};
  BreakerScan scan({"\n", ":", "***"}, [&](TokenId id, std::string& out) {
    out += texts[static_cast<size_t>(to_int(id))];
  });
  const auto after = [&](int id) {
    scan.accept(TokenId(id));
    return scan.n_since();
  };
  EXPECT_EQ(after(0), 1u);
  EXPECT_EQ(after(2), 0u);  // "\n"
  EXPECT_EQ(after(0), 1u);
  EXPECT_EQ(after(3), 0u);  // "x:y" holds a breaker
  EXPECT_EQ(after(6), 1u);
  EXPECT_EQ(after(4), 2u);
  EXPECT_EQ(after(5), 0u);  // "*" + "**"
  EXPECT_EQ(after(1), 1u);
  EXPECT_EQ(after(4), 2u);  // the "**" before the "b" does not count
  EXPECT_EQ(after(4), 3u);
  EXPECT_EQ(after(4), 0u);
}

}  // namespace
}  // namespace wattle::sampling
