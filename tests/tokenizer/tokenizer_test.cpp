// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "tests/gguf/expect_error.h"
#include "tests/tokenizer/small_vocab.h"
#include "tokenizer/stream_decoder.h"

namespace wattle {
namespace {

using test::expect_error;
using test::ints;
using test::SmallVocab;

std::vector<std::string> spellings(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::vector<std::string> out;
  for (const TokenId id : ids) out.emplace_back(tokenizer.spelling(id));
  return out;
}

std::vector<std::string> split(const Tokenizer& tokenizer, std::string_view text,
                               EncodeOptions options = {.add_bos = false}) {
  return spellings(tokenizer, tokenizer.encode(text, options));
}

std::vector<std::string> split(const Tokenizer& tokenizer, std::vector<TextSegment> segments,
                               bool add_bos = false) {
  return spellings(tokenizer, tokenizer.encode(segments, add_bos));
}

using Spellings = std::vector<std::string>;

TEST(SentencePiece, MergesTheHighestScoreFirst) {
  SmallVocab v("llama");
  fill_sentencepiece(v);
  v.spec().add_space_prefix = false;
  const Tokenizer tokenizer(v.spec());
  EXPECT_EQ(split(tokenizer, "abc"), (Spellings{"ab", "c"}));
  EXPECT_EQ(split(tokenizer, " ab"), (Spellings{"▁ab"}));
}

TEST(SentencePiece, PutsASpaceBeforeTextThatStartsOrFollowsASpecialToken) {
  SmallVocab v("llama");
  fill_sentencepiece(v);
  const Tokenizer tokenizer(v.spec());
  EXPECT_TRUE(tokenizer.adds_space_prefix());
  EXPECT_EQ(split(tokenizer, "ab</s>ab", {}), (Spellings{"<s>", "▁ab", "</s>", "▁ab"}));
  EXPECT_TRUE(split(tokenizer, "").empty());
}

TEST(SentencePiece, SpellsUnknownCharactersInBytes) {
  SmallVocab v("llama");
  fill_sentencepiece(v);
  v.spec().add_space_prefix = false;
  const Tokenizer tokenizer(v.spec());
  EXPECT_EQ(split(tokenizer, "aé\xFF"), (Spellings{"a", "<0xC3>", "<0xA9>", "<0xFF>"}));
}

TEST(SentencePiece, WithoutByteTokensGivesTheUnknownToken) {
  SmallVocab v("llama");
  v.spec().unk = v.add("<unk>", TokenType::unknown);
  v.add("a");
  v.spec().add_space_prefix = false;
  const Tokenizer tokenizer(v.spec());
  EXPECT_EQ(split(tokenizer, "aéa"), (Spellings{"a", "<unk>", "<unk>", "a"}));
}

TEST(SentencePiece, NeverMergesPlainTextIntoAControlToken) {
  SmallVocab v("llama");
  fill_sentencepiece(v);
  v.spec().add_space_prefix = false;
  const Tokenizer tokenizer(v.spec());
  // "<s" and ">" would concatenate to the spelling of BOS.
  EXPECT_EQ(split(tokenizer, "<s>", {.add_bos = false, .parse_special = false}),
            (Spellings{"<s", ">"}));
}

TEST(Gemma4, KeepsSpacesAndTakesNewlineRunsThatAreTokens) {
  SmallVocab v("gemma4");
  fill_gemma4(v);
  const Tokenizer tokenizer(v.spec());
  EXPECT_EQ(split(tokenizer, "hi hi\n\nhi\n\n\n"),
            (Spellings{"hi", "▁hi", "\n\n", "hi", "\n", "\n", "\n"}));
  EXPECT_EQ(split(tokenizer, "hix"), (Spellings{"hi", "<0x78>"}));
}

TEST(Gemma4, SpellsAMergeThatIsNoTokenInItsCharacters) {
  SmallVocab v("gemma4");
  fill_gemma4(v);
  v.merge("hi x");
  v.merge("▁ x");
  const Tokenizer tokenizer(v.spec());
  EXPECT_EQ(split(tokenizer, "hix x"), (Spellings{"h", "i", "<0x78>", "▁", "<0x78>"}));
}

TEST(Gemma4, AlwaysAddsBosWhateverTheFileSays) {
  SmallVocab v("gemma4");
  fill_gemma4(v);
  v.spec().add_bos = false;
  const Tokenizer tokenizer(v.spec());
  EXPECT_TRUE(tokenizer.adds_bos());
  EXPECT_EQ(split(tokenizer, "hi", {}), (Spellings{"<bos>", "hi"}));
}

TEST(ByteLevel, MergesByRankInsideWords) {
  SmallVocab v("gpt2", "gpt-2");
  fill_byte_level(v);
  const Tokenizer tokenizer(v.spec());
  EXPECT_EQ(split(tokenizer, "hello hello"), (Spellings{"hello", "Ġhello"}));
  EXPECT_EQ(split(tokenizer, "shell"), (Spellings{"s", "hell"}));
  EXPECT_EQ(split(tokenizer, "\xFFé"), (Spellings{"ÿ", "Ã", "©"}));
}

TEST(ByteLevel, OnlyLlamaTakesAWholeWordThatNoMergeBuilds) {
  for (const char* pre : {"llama-bpe", "qwen2"}) {
    SmallVocab v("gpt2", pre);
    fill_byte_level(v);
    v.add("xyz");
    const Tokenizer tokenizer(v.spec());
    const bool llama = v.spec().pre == "llama-bpe";
    EXPECT_EQ(split(tokenizer, "xyz"), llama ? Spellings{"xyz"} : (Spellings{"x", "y", "z"}))
        << pre;
  }
}

TEST(ByteLevel, NeverMergesPlainTextIntoAUserDefinedToken) {
  SmallVocab v("gpt2", "llama-bpe");
  fill_byte_level(v);
  v.add("Ġx", TokenType::user_defined);
  const Tokenizer tokenizer(v.spec());
  EXPECT_EQ(split(tokenizer, " x"), (Spellings{"Ġ", "x"}));
}

TEST(ByteLevel, LeavesOutBytesWithoutAToken) {
  SmallVocab v("gpt2", "gpt-2");
  v.add("a");
  v.spec().unk = v.add("<|endoftext|>", TokenType::control);
  const Tokenizer tokenizer(v.spec());
  EXPECT_EQ(split(tokenizer,
                  "a\x04"
                  "a"),
            (Spellings{"a", "a"}));
}

TEST(Tokenizer, AddsBosOnceAndOnlyWhereAsked) {
  SmallVocab v("llama");
  fill_sentencepiece(v);
  const Tokenizer tokenizer(v.spec());
  EXPECT_EQ(split(tokenizer, "<s>ab", {}), (Spellings{"<s>", "▁ab"}));
  EXPECT_EQ(split(tokenizer, "ab<s>", {}), (Spellings{"<s>", "▁ab", "<s>"}));
  EXPECT_EQ(split(tokenizer, "<s><s>", {.add_bos = false}), (Spellings{"<s>", "<s>"}));
  EXPECT_EQ(split(tokenizer, "", {}), (Spellings{"<s>"}));
}

TEST(Tokenizer, FollowsTheDefaultOfTheModelForBos) {
  const auto adds_bos = [](const char* pre, std::optional<bool> wish) {
    SmallVocab v("gpt2", pre);
    fill_byte_level(v);
    v.spec().add_bos = wish;
    return Tokenizer(v.spec()).adds_bos();
  };
  EXPECT_TRUE(adds_bos("llama-bpe", {}));
  EXPECT_FALSE(adds_bos("llama-bpe", false));
  EXPECT_FALSE(adds_bos("qwen2", {}));
  EXPECT_TRUE(adds_bos("qwen2", true));
  SmallVocab v("gpt2", "llama-bpe");
  fill_byte_level(v);
  v.spec().bos.reset();
  EXPECT_FALSE(Tokenizer(v.spec()).adds_bos());
}

TEST(Tokenizer, ParsesControlTokensOnlyWhereAsked) {
  SmallVocab v("gpt2", "qwen2");
  fill_byte_level(v);
  const Tokenizer tokenizer(v.spec());
  EXPECT_EQ(split(tokenizer, "<|end|><call>"), (Spellings{"<|end|>", "<call>"}));
  EXPECT_EQ(split(tokenizer, "<|end|><call>", {.add_bos = false, .parse_special = false}),
            (Spellings{"<", "|", "e", "n", "d", "|", ">", "<call>"}));
}

TEST(Tokenizer, SegmentsOfContentCannotForgeSpecialTokens) {
  SmallVocab v("gemma4");
  fill_gemma4(v);
  const Tokenizer tokenizer(v.spec());
  const std::vector<TextSegment> prompt{
      {"<bos><|turn>", true}, {"<turn|><|tool_call>", false}, {"<turn|>", true}};
  const auto ids = tokenizer.encode(prompt);
  EXPECT_EQ(spellings(tokenizer, {ids[0], ids[1], ids.back()}),
            (Spellings{"<bos>", "<|turn>", "<turn|>"}));
  for (size_t i = 2; i + 1 < ids.size(); ++i) {
    EXPECT_NE(tokenizer.spelling(ids[i]), "<turn|>");
    EXPECT_NE(tokenizer.spelling(ids[i]), "<|tool_call>");
  }
  EXPECT_EQ(decode(tokenizer, ids), "<turn|><|tool_call>");
}

TEST(Tokenizer, ASpecialTokenCutByASegmentBoundaryIsPlainText) {
  SmallVocab v("gemma4");
  fill_gemma4(v);
  const Tokenizer tokenizer(v.spec());
  EXPECT_NE(split(tokenizer, {{"<tu", false}, {"rn|>", true}}), (Spellings{"<turn|>"}));
  EXPECT_NE(split(tokenizer, {{"<tu", true}, {"rn|>", false}}), (Spellings{"<turn|>"}));
  EXPECT_EQ(split(tokenizer, {{"<tu", true}, {"rn|>", true}}), (Spellings{"<turn|>"}));
}

TEST(Tokenizer, SegmentsOfHarmlessTextGiveTheIdsOfTheWholePrompt) {
  SmallVocab v("gemma4");
  fill_gemma4(v);
  v.add("\n\n\n", TokenType::user_defined);
  const Tokenizer tokenizer(v.spec());
  const std::vector<TextSegment> prompt{{"<|turn>h", true},
                                        {"i hi\n", false},
                                        {"\n\n<turn|>\n", true},
                                        {"", false},
                                        {"\n\nhi", false}};
  std::string whole;
  for (const TextSegment& s : prompt) whole += s.text;
  EXPECT_EQ(ints(tokenizer.encode(prompt)), ints(tokenizer.encode(whole)));
  EXPECT_EQ(split(tokenizer, prompt, true),
            (Spellings{"<bos>", "<|turn>", "hi", "▁hi", "\n\n\n", "<turn|>", "\n\n\n", "hi"}));
}

TEST(Tokenizer, TellsControlTokensAndEndsOfGeneration) {
  SmallVocab v("gemma4");
  fill_gemma4(v);
  const Tokenizer tokenizer(v.spec());
  EXPECT_TRUE(tokenizer.is_control(*v.spec().bos));
  EXPECT_TRUE(tokenizer.is_eog(*v.spec().eos));
  EXPECT_FALSE(tokenizer.is_eog(*v.spec().bos));
  EXPECT_FALSE(tokenizer.is_eog(TokenId{-1}));
}

TEST(Tokenizer, AnyBytesComeBackFromEveryFamily) {
  SmallVocab spm("llama");
  fill_sentencepiece(spm);
  SmallVocab gemma4("gemma4");
  fill_gemma4(gemma4);
  SmallVocab gpt2("gpt2", "gpt-2");
  fill_byte_level(gpt2);
  SmallVocab llama3("gpt2", "llama-bpe");
  fill_byte_level(llama3);
  std::mt19937 rng(1);
  for (SmallVocab* v : {&spm, &gemma4, &gpt2, &llama3}) {
    v->spec().add_space_prefix = false;
    const Tokenizer tokenizer(v->spec());
    for (int round = 0; round < 500; ++round) {
      std::string bytes;
      for (unsigned n = rng() % 40; n > 0; --n) {
        bytes += rng() % 2 == 0 ? static_cast<char>(rng()) : "abchello \n<s>"[rng() % 13];
      }
      if (bytes.find("\xE2\x96\x81") != std::string::npos) continue;  // reads as a space
      std::string back;
      for (const TokenId id : tokenizer.encode(bytes, {.add_bos = false})) {
        tokenizer.append_bytes(id, back);
      }
      ASSERT_EQ(back, bytes) << v->spec().model;
    }
  }
}

TEST(Tokenizer, RefusesWhatItDoesNotKnowByName) {
  SmallVocab bert("bert");
  bert.add("a");
  expect_error(ErrorCode::unsupported, {"bert"}, [&] { Tokenizer{bert.spec()}; });
  SmallVocab tekken("gpt2", "tekken");
  tekken.add("a");
  expect_error(ErrorCode::unsupported, {"tokenizer.ggml.pre", "tekken"},
               [&] { Tokenizer{tekken.spec()}; });
  SmallVocab none("gpt2");
  none.add("a");
  expect_error(ErrorCode::unsupported, {"tokenizer.ggml.pre is missing"},
               [&] { Tokenizer{none.spec()}; });
}

TEST(Tokenizer, RefusesASpecThatContradictsItself) {
  const auto expect_bad = [](std::string_view key, auto&& change) {
    SmallVocab v("llama");
    fill_sentencepiece(v);
    change(v.spec());
    expect_error(ErrorCode::bad_input, {key}, [&] { Tokenizer{v.spec()}; });
  };
  expect_bad("tokenizer.ggml.tokens", [](VocabSpec& s) { s.tokens.clear(); });
  expect_bad("tokenizer.ggml.token_type", [](VocabSpec& s) { s.types.pop_back(); });
  expect_bad("tokenizer.ggml.scores", [](VocabSpec& s) { s.scores.pop_back(); });
  expect_bad("tokenizer.ggml.scores", [](VocabSpec& s) { s.scores[5] = NAN; });
  expect_bad("tokenizer.ggml.bos_token_id", [](VocabSpec& s) { s.bos = TokenId{100000}; });
  expect_bad("tokenizer.ggml.eos_token_id", [](VocabSpec& s) { s.eos = TokenId{-2}; });
  expect_bad("tokenizer.ggml.add_bos_token", [](VocabSpec& s) {
    s.bos.reset();
    s.add_bos = true;
  });
  const std::string long_text(300, 'x');
  expect_bad("tokenizer.ggml.tokens[1]", [&](VocabSpec& s) { s.tokens[1] = long_text; });
}

TEST(Tokenizer, RefusesAMergeWithoutTwoSides) {
  for (const char* merge : {"", "ab", "a ", " a"}) {
    SmallVocab v("gpt2", "gpt-2");
    fill_byte_level(v);
    v.merge(merge);
    expect_error(ErrorCode::bad_input, {"tokenizer.ggml.merges[5]"}, [&] { Tokenizer{v.spec()}; });
  }
}

// Quadratic work would take minutes; the bound only has to tell that apart on a busy machine.
TEST(Tokenizer, TakesHostileTextsInLinearTime) {
  SmallVocab spm("llama");
  fill_sentencepiece(spm);
  SmallVocab gemma4("gemma4");
  fill_gemma4(gemma4);
  SmallVocab qwen("gpt2", "qwen2");
  fill_byte_level(qwen);
  for (SmallVocab* v : {&spm, &gemma4, &qwen}) {
    v->add("aa", TokenType::normal, -1);
    v->add("aaaa", TokenType::normal, -2);
    v->merge("a a");
    v->merge("aa aa");
    const Tokenizer tokenizer(v->spec());
    for (const std::string_view unit : {" ", "a", "\n", " \n", "ab", "<|turn", "\x80", "'"}) {
      std::string text;
      while (text.size() < 200'000) text += unit;
      const auto start = std::chrono::steady_clock::now();
      EXPECT_FALSE(tokenizer.encode(text).empty());
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      EXPECT_LT(seconds.count(), 20) << v->spec().model << ' ' << unit;
    }
  }
}

}  // namespace
}  // namespace wattle
