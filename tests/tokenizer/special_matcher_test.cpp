// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/special_matcher.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace wattle::tokenizer {
namespace {

TEST(SpecialMatcher, FindsTheLongestAsTryingEachDoes) {
  std::mt19937 rng(3);
  const auto random_text = [&](size_t max) {
    std::string text;
    for (size_t n = 1 + rng() % max; n > 0; --n) text += "ab\xFF"[rng() % 3];
    return text;
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> texts;
    for (size_t n = rng() % 12; n > 0; --n) texts.push_back(random_text(5));
    std::vector<SpecialMatcher::Entry> entries;
    for (size_t i = 0; i < texts.size(); ++i) {
      entries.push_back({texts[i], TokenId{static_cast<int32_t>(i)}});
    }
    const SpecialMatcher matcher(entries);
    const std::string text = random_text(8);

    const SpecialMatcher::Entry* longest = nullptr;
    for (const auto& e : entries) {
      const bool longer = longest == nullptr || e.text.size() > longest->text.size();
      if (std::string_view(text).starts_with(e.text) && longer) longest = &e;
    }
    const auto match = matcher.match(text);
    ASSERT_EQ(match.has_value(), longest != nullptr);
    if (!match) continue;
    EXPECT_EQ(match->id, longest->id);
    EXPECT_EQ(match->size_bytes, longest->text.size());
  }
}

TEST(SpecialMatcher, WithoutEntriesFindsNothing) {
  EXPECT_FALSE(SpecialMatcher().match("<bos>").has_value());
  EXPECT_FALSE(SpecialMatcher().match("").has_value());
}

}  // namespace
}  // namespace wattle::tokenizer
