// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/char_set.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/utf8.h"

namespace wattle::grammar {
namespace {

bool is_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

size_t count(const ByteRange& range) { return range.last - range.first + size_t{1}; }

// Rows are a product of ranges, so as many encodings as characters, and each of them there, is all.
void expect_exactly(const std::vector<CharRange>& ranges) {
  const std::vector<EncodedChars> rows = encode(ranges);
  size_t n_encodings = 0;
  for (const EncodedChars& row : rows) {
    size_t n = row.lead.count();
    for (const ByteRange& range : row.rest) n *= count(range);
    n_encodings += n;
  }
  const auto is_encoded = [&](const std::string& text) {
    for (const EncodedChars& row : rows) {
      bool fits =
          row.rest.size() + 1 == text.size() && row.lead.test(static_cast<unsigned char>(text[0]));
      for (size_t i = 0; fits && i < row.rest.size(); ++i) {
        const auto byte = static_cast<uint8_t>(text[i + 1]);
        fits = row.rest[i].first <= byte && byte <= row.rest[i].last;
      }
      if (fits) return true;
    }
    return false;
  };
  size_t n_chars = 0;
  for (const CharRange& range : ranges) {
    for (char32_t c = range.first; c <= range.last; ++c) {
      std::string text;
      utf8::append(text, c);
      ASSERT_TRUE(is_encoded(text)) << std::hex << static_cast<uint32_t>(c);
      ++n_chars;
    }
  }
  EXPECT_EQ(n_encodings, n_chars);
}

TEST(GrammarCharSet, EncodesEachCharacterOnceAndNothingElse) {
  const char32_t edges[] = {0,       1,       0x41,    0x7F,     0x80,     0xBF,
                            0xC0,    0x7FE,   0x7FF,   0x800,    0xFFF,    0x1000,
                            0x1234,  0xD7FF,  0xE000,  0xFFFF,   0x10000,  0x103FF,
                            0x1F600, 0x3FFFF, 0x40000, 0x100000, 0x10FFFE, 0x10FFFF};
  for (const char32_t first : edges) {
    for (const char32_t last : edges) {
      // The long ones take a second together, and their ends are those of shorter ones.
      if (first > last || last - first > 0x12000) continue;
      CharSet set;
      set.add(first, last);
      expect_exactly(set.ranges());
    }
  }
  CharSet all;
  all.add(0, kLastCodepoint);
  expect_exactly(all.ranges());
}

TEST(GrammarCharSet, TheComplementIsTheRest) {
  CharSet set;
  set.add('a', 'f');
  set.add('d', 'k');  // overlaps
  set.add('l', 'l');  // touches
  set.add(0x10FFFF, 0x10FFFF);
  set.add(0, 0);
  const std::vector<CharRange> rest{{1, 'a' - 1}, {'l' + 1, 0xD7FF}, {0xE000, 0x10FFFE}};
  EXPECT_EQ(set.complement().ranges(), rest);
  EXPECT_EQ(set.complement().complement().ranges(), set.ranges());
  EXPECT_EQ(set.ranges(), (std::vector<CharRange>{{0, 0}, {'a', 'l'}, {0x10FFFF, 0x10FFFF}}));
}

TEST(GrammarCharSet, HasNoSurrogates) {
  CharSet set;
  set.add(0xD000, 0xDBFF);
  EXPECT_EQ(set.ranges(), (std::vector<CharRange>{{0xD000, 0xD7FF}}));
  for (const CharRange& range : CharSet().complement().ranges()) {
    EXPECT_FALSE(is_surrogate(range.first) || is_surrogate(range.last));
  }
}

}  // namespace
}  // namespace wattle::grammar
