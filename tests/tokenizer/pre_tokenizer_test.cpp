// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pre_tokenizer.h"

#include <gtest/gtest.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace wattle::tokenizer {
namespace {

using Words = std::vector<std::string>;

Words words_of(PreTokenizer rule, std::string_view text) {
  Words words;
  while (!text.empty()) {
    const size_t size = first_word_size(rule, text);
    words.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return words;
}

// The oracle: the expressions themselves. \s is spelt out because PCRE2's also takes U+180E.
class Expression {
 public:
  explicit Expression(std::string pattern) {
    const auto replace = [&](std::string_view from, std::string_view to) {
      for (size_t at; (at = pattern.find(from)) != std::string::npos;) {
        pattern.replace(at, from.size(), to);
      }
    };
    replace("WS", R"(\x{9}-\x{D} \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029})"
                  R"(\x{202F}\x{205F}\x{3000})");
    int error = 0;
    size_t offset = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                              PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr));
    EXPECT_NE(code_, nullptr) << "at " << offset;
    match_.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
  }

  // Appends the matches and, between them, what did not match.
  void isolate(std::string_view text, Words& words) const {
    const size_t* span = pcre2_get_ovector_pointer(match_.get());
    size_t end = 0;
    while (pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), end, 0,
                       match_.get(), nullptr) > 0) {
      if (span[0] > end) words.emplace_back(text.substr(end, span[0] - end));
      words.emplace_back(text.substr(span[0], span[1] - span[0]));
      end = span[1];
    }
    if (end < text.size()) words.emplace_back(text.substr(end));
  }

 private:
  struct Free {
    void operator()(pcre2_code* p) const { pcre2_code_free(p); }
    void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
  };
  std::unique_ptr<pcre2_code, Free> code_;
  std::unique_ptr<pcre2_match_data, Free> match_;
};

constexpr const char* kContractions = "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|";
constexpr const char* kAfterNumber =
    R"(| ?[^WS\p{L}\p{N}]+[\r\n]*|[WS]*[\r\n]+|[WS]+(?![^WS])|[WS]+)";
constexpr const char* kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^WS\p{L}\p{N}]+|[WS]+(?![^WS]))";

std::string llama_pattern(const char* number) {
  return std::string(kContractions) + R"([^\r\n\p{L}\p{N}]?\p{L}+|)" + number + kAfterNumber;
}

// Strings of pieces where the rules meet, and characters of every plane.
class RandomText {
 public:
  std::string next() {
    static constexpr std::string_view kPieces[] = {
        " ",  "  ",       "\n",     "\r",     "\r\n",   "\t",      "\v",         "'",      "'s",
        "'S", "'Re",      "'ve",    "'LL",    "'d",     "'\u017F", "a",          "Zz",     "é",
        "1",  "23",       "½",      "Ⅷ",      "٣",      ".",       "--",         "_",      "\u00A0",
        "世", "\u0301",   "\u3000", "\u0085", "\u2028", "\u180E",  "\U0001F999", "\u200B", "ǅ",
        "ʰ",  "\u200A\n", "ไ",      "๑",      "\uE000"};
    std::string text;
    for (unsigned n = rng_() % 12; n > 0; --n) {
      if (rng_() % 8 == 0) {
        utf8::append(text, assigned_letter());
      } else {
        text += kPieces[rng_() % std::size(kPieces)];
      }
    }
    return text;
  }

 private:
  // From blocks that no version of Unicode since the tables of either side has touched.
  char32_t assigned_letter() {
    static constexpr std::pair<char32_t, char32_t> kBlocks[] = {
        {0x20, 0x7E},       {0xA0, 0x24F},      {0x370, 0x377},    {0x400, 0x52F},
        {0x5D0, 0x5EA},     {0x904, 0x939},     {0xE01, 0xE3A},    {0x1100, 0x11FF},
        {0x2010, 0x2027},   {0x2150, 0x2188},   {0x3041, 0x3096},  {0xAC00, 0xD7A3},
        {0x1D400, 0x1D454}, {0x1F600, 0x1F64F}, {0x20000, 0x2A6D6}};
    const auto& [first, last] = kBlocks[rng_() % std::size(kBlocks)];
    return first + rng_() % (last - first + 1);
  }

  std::mt19937 rng_{11};
};

void expect_agreement(PreTokenizer rule, const std::vector<Expression>& passes) {
  RandomText random;
  for (int round = 0; round < 20000; ++round) {
    const std::string text = random.next();
    Words expected;
    if (!text.empty()) expected.push_back(text);
    for (const Expression& pass : passes) {
      Words split;
      for (const std::string& word : expected) pass.isolate(word, split);
      expected = std::move(split);
    }
    ASSERT_EQ(words_of(rule, text), expected) << testing::PrintToString(text);
  }
}

TEST(PreTokenizer, LlamaSplitsAsItsExpression) {
  std::vector<Expression> passes;
  passes.emplace_back(llama_pattern(R"(\p{N}{1,3})"));
  expect_agreement(PreTokenizer::llama_bpe, passes);
}

TEST(PreTokenizer, QwenSplitsAsItsExpression) {
  std::vector<Expression> passes;
  passes.emplace_back(llama_pattern(R"(\p{N})"));
  expect_agreement(PreTokenizer::qwen2, passes);
}

TEST(PreTokenizer, Gpt2SplitsAsItsExpression) {
  std::vector<Expression> passes;
  passes.emplace_back(kGpt2);
  expect_agreement(PreTokenizer::gpt2, passes);
}

TEST(PreTokenizer, SmolLmSplitsAsItsTwoExpressions) {
  std::vector<Expression> passes;
  passes.emplace_back(R"(\p{N})");
  passes.emplace_back(kGpt2);
  expect_agreement(PreTokenizer::smollm, passes);
}

TEST(PreTokenizer, TakesMalformedBytesAsPunctuation) {
  EXPECT_EQ(words_of(PreTokenizer::gpt2, "a\x80\xFF!b"), (Words{"a", "\x80\xFF!", "b"}));
  EXPECT_EQ(words_of(PreTokenizer::llama_bpe, " \xE2\x96"), (Words{" \xE2\x96"}));
}

TEST(PreTokenizer, IsFoundByEveryNameOfItsRuleAndRefusesOthers) {
  EXPECT_EQ(pre_tokenizer_from_name("llama3"), PreTokenizer::llama_bpe);
  EXPECT_EQ(pre_tokenizer_from_name("deepseek-r1-qwen"), PreTokenizer::qwen2);
  EXPECT_EQ(pre_tokenizer_from_name("tekken"), std::nullopt);
  EXPECT_EQ(pre_tokenizer_from_name("default"), PreTokenizer::gpt2);
  EXPECT_EQ(pre_tokenizer_from_name(""), std::nullopt);
  EXPECT_NE(pre_tokenizer_names().find("smollm"), std::string::npos);
}

}  // namespace
}  // namespace wattle::tokenizer
