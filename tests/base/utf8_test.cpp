// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wattle::utf8 {
namespace {

using namespace std::string_view_literals;

std::string sanitized(std::string_view text) {
  std::string out;
  append_sanitized(out, text);
  return out;
}

bool is_scalar_value(char32_t c) { return c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF); }

TEST(Utf8, EveryScalarValueRoundTrips) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (!is_scalar_value(c)) continue;
    std::string text;
    append(text, c);
    const Decoded d = decode(text);
    ASSERT_EQ(d.status, Status::ok) << std::hex << static_cast<uint32_t>(c);
    ASSERT_EQ(d.codepoint, c);
    ASSERT_EQ(d.size_bytes, text.size());
  }
}

// The oracle takes any lead and continuation bytes and rejects by value afterwards.
TEST(Utf8, AgreesWithDecodingByValueOnAllShortSequences) {
  const auto oracle_ok = [](std::string_view t) {
    const auto at = [&](size_t i) { return static_cast<unsigned char>(t[i]); };
    const size_t size = at(0) < 0x80   ? 1
                        : at(0) < 0xC0 ? 0
                        : at(0) < 0xE0 ? 2
                        : at(0) < 0xF0 ? 3
                                       : 4;
    if (size != t.size() || at(0) >= 0xF8) return false;
    char32_t c = size == 1 ? at(0) : at(0) & (0x7F >> size);
    for (size_t i = 1; i < size; ++i) {
      if (at(i) < 0x80 || at(i) > 0xBF) return false;
      c = c << 6 | (at(i) & 0x3F);
    }
    constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    return c >= kSmallest[size] && is_scalar_value(c);
  };
  const auto check = [&](std::string_view t) {
    const Decoded d = decode(t);
    ASSERT_EQ(d.status == Status::ok && d.size_bytes == t.size(), oracle_ok(t));
  };
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const char two[] = {static_cast<char>(a), static_cast<char>(b)};
      check({two, 2});
      for (int c : {0x00, 0x7F, 0x80, 0x8F, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF}) {
        const char four[] = {two[0], two[1], static_cast<char>(c), '\x80'};
        check({four, 3});
        check({four, 4});
      }
    }
  }
}

TEST(Utf8, TellsIncompleteFromInvalid) {
  EXPECT_EQ(decode("\xF0\x9F\xA6").status, Status::incomplete);
  EXPECT_EQ(decode("\xF0\x9F\xA6").size_bytes, 3);
  EXPECT_EQ(decode("\xED\xA0").status, Status::invalid);  // a surrogate, whatever follows
  EXPECT_EQ(decode("\xC0").status, Status::invalid);
  EXPECT_EQ(decode("\x80").status, Status::invalid);
  EXPECT_EQ(decode("\xE2x").status, Status::invalid);
  EXPECT_EQ(decode("\xE2x").size_bytes, 1);
}

TEST(Utf8, WholePrefixHoldsBackOnlyAnUnfinishedCharacter) {
  const std::string_view llama = "a\xF0\x9F\xA6\x99";
  EXPECT_EQ(whole_prefix(llama), 5u);
  EXPECT_EQ(whole_prefix(llama.substr(0, 4)), 1u);
  EXPECT_EQ(whole_prefix(llama.substr(0, 3)), 1u);
  EXPECT_EQ(whole_prefix(llama.substr(0, 2)), 1u);
  EXPECT_EQ(whole_prefix(""), 0u);
  EXPECT_EQ(whole_prefix("\x80\x80\x80\x80"), 4u);
  EXPECT_EQ(whole_prefix("a\xFF"), 2u);
  EXPECT_EQ(whole_prefix("\xE2\x96\x80\x80"), 4u);
}

TEST(Utf8, SanitizingReplacesMaximalSubparts) {
  // The example of the Unicode standard, table 3-8.
  EXPECT_EQ(sanitized("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
  EXPECT_EQ(sanitized("Grüße, 世界 🦙"), "Grüße, 世界 🦙");
  EXPECT_EQ(sanitized("\0"sv), "\0"sv);
  EXPECT_TRUE(is_valid(sanitized("\xE2\x96")));
  EXPECT_FALSE(is_valid("\xE2\x96"));
}

}  // namespace
}  // namespace wattle::utf8
