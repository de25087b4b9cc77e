// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/merge_loop.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace wattle::tokenizer {
namespace {

using Ranks = std::map<std::pair<std::string, std::string>, uint32_t>;

std::vector<std::string> fast(const std::string& text, const Ranks& ranks) {
  const auto rank_of = [&](std::string_view pair, size_t left) -> std::optional<uint32_t> {
    const auto found =
        ranks.find({std::string(pair.substr(0, left)), std::string(pair.substr(left))});
    if (found == ranks.end()) return std::nullopt;
    return found->second;
  };
  std::vector<std::string> symbols;
  MergeLoop().run(text, rank_of, [&](std::string_view s) { symbols.emplace_back(s); });
  return symbols;
}

// The definition: look at all pairs, merge the leftmost of the lowest rank, start again.
std::vector<std::string> oracle(const std::string& text, const Ranks& ranks) {
  std::vector<std::string> symbols;
  for (const char c : text) symbols.emplace_back(1, c);
  for (;;) {
    size_t best = 0;
    auto best_rank = ranks.end();
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = ranks.find({symbols[i], symbols[i + 1]});
      if (found == ranks.end()) continue;
      if (best_rank == ranks.end() || found->second < best_rank->second) {
        best = i;
        best_rank = found;
      }
    }
    if (best_rank == ranks.end()) return symbols;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(MergeLoop, AgreesWithMergingOnePairAtATime) {
  std::mt19937 rng(7);
  const auto random = [&](unsigned n) { return static_cast<unsigned>(rng() % n); };
  for (int round = 0; round < 3000; ++round) {
    // Few letters and few ranks, so that overlaps and ties are the rule.
    Ranks ranks;
    std::vector<std::string> words{"a", "b", "c"};
    for (unsigned i = 0; i < 12; ++i) {
      const std::string left = words[random(static_cast<unsigned>(words.size()))];
      const std::string right = words[random(static_cast<unsigned>(words.size()))];
      ranks[{left, right}] = random(8);
      words.push_back(left + right);
    }
    std::string text;
    for (unsigned n = random(30); n > 0; --n) text += "abc"[random(3)];
    ASSERT_EQ(fast(text, ranks), oracle(text, ranks)) << text;
  }
}

TEST(MergeLoop, StartsFromWholeCharacters) {
  const std::vector<std::string> expected{"a", "é", "🦙", "\x80", "\xE2\x96"};
  EXPECT_EQ(fast("aé🦙\x80\xE2\x96", {}), expected);
  EXPECT_TRUE(fast("", {}).empty());
}

}  // namespace
}  // namespace wattle::tokenizer
