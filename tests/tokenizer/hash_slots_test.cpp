// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/hash_slots.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace wattle::tokenizer {
namespace {

std::vector<std::string> many_texts(size_t n) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < n; ++i) texts.push_back("text " + std::to_string(i * 7919 % n));
  return texts;
}

TEST(HashSlots, FindsWhatWasFilledInAndNothingElse) {
  const auto texts = many_texts(1000);
  HashSlots slots(texts.size());
  slots.fill(
      1000, [&](uint32_t i) { return std::optional(hash_text(texts[i], 42)); },
      [&](uint32_t i, uint32_t other) { return texts[i] == texts[other]; });
  for (uint32_t i = 0; i < texts.size(); ++i) {
    const auto found = slots.find(hash_text(texts[i], 42),
                                  [&](uint32_t other) { return texts[other] == texts[i]; });
    EXPECT_EQ(found, i);
  }
  const auto absent =
      slots.find(hash_text("other", 42), [&](uint32_t other) { return texts[other] == "other"; });
  EXPECT_FALSE(absent.has_value());
}

TEST(HashSlots, KeepsTheFirstOfEqualEntriesAndLeavesOutThoseWithoutHash) {
  const std::vector<std::string> texts{"a", "b", "a", "c"};
  HashSlots slots(texts.size());
  slots.fill(
      4,
      [&](uint32_t i) {
        return texts[i] == "b" ? std::nullopt : std::optional(hash_text(texts[i], 1));
      },
      [&](uint32_t i, uint32_t other) { return texts[i] == texts[other]; });
  const auto find = [&](std::string_view text) {
    return slots.find(hash_text(text, 1), [&](uint32_t other) { return texts[other] == text; });
  };
  EXPECT_EQ(find("a"), 0u);
  EXPECT_FALSE(find("b").has_value());
  EXPECT_EQ(find("c"), 3u);
}

TEST(HashSlots, StillFindsWhenEveryHashCollides) {
  const auto texts = many_texts(64);
  HashSlots slots(texts.size());
  slots.fill(
      64, [](uint32_t) { return std::optional<uint64_t>(0x1234567800000003); },
      [&](uint32_t i, uint32_t other) { return texts[i] == texts[other]; });
  for (uint32_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(
        slots.find(0x1234567800000003, [&](uint32_t other) { return texts[other] == texts[i]; }),
        i);
  }
}

TEST(HashSlots, AnEmptyTableFindsNothing) {
  const HashSlots slots(0);
  EXPECT_FALSE(slots.find(7, [](uint32_t) { return true; }).has_value());
}

TEST(HashText, TellsShortTextsOfAllLengthsApart) {
  std::set<uint64_t> hashes;
  std::string text;
  size_t n = 0;
  for (int length = 0; length <= 40; ++length, text += 'x') {
    for (const char c : {'\0', 'a', 'b', '\xFF'}) {
      for (size_t at = 0; at < text.size(); ++at) {
        std::string changed = text;
        changed[at] = c;
        hashes.insert(hash_text(changed, 5));
        ++n;
      }
    }
  }
  EXPECT_EQ(hashes.size(), n);
  EXPECT_NE(hash_text("text", 5), hash_text("text", 6));
}

}  // namespace
}  // namespace wattle::tokenizer
