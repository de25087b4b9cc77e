// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/stream_decoder.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "tests/gguf/expect_error.h"
#include "tests/tokenizer/small_vocab.h"

namespace wattle {
namespace {

using test::SmallVocab;

// Byte tokens of the small SentencePiece vocabulary.
TokenId byte_token(unsigned char byte) { return TokenId{3 + byte}; }

std::vector<TokenId> byte_tokens(std::string_view bytes) {
  std::vector<TokenId> ids;
  for (const char c : bytes) ids.push_back(byte_token(static_cast<unsigned char>(c)));
  return ids;
}

class StreamDecoderTest : public testing::Test {
 protected:
  StreamDecoderTest() : vocab_("llama") { fill_sentencepiece(vocab_); }
  SmallVocab vocab_;
};

TEST_F(StreamDecoderTest, HoldsACharacterBackUntilItIsWhole) {
  const Tokenizer tokenizer(vocab_.spec());
  StreamDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.push(byte_token(0xF0)), "");
  EXPECT_EQ(decoder.push(byte_token(0x9F)), "");
  EXPECT_EQ(decoder.push(byte_token(0xA6)), "");
  EXPECT_EQ(decoder.push(byte_token(0x99)), "🦙");
  EXPECT_EQ(decoder.finish(), "");
}

TEST_F(StreamDecoderTest, GivesAnUnfinishedCharacterAsReplacementAtTheEnd) {
  const Tokenizer tokenizer(vocab_.spec());
  StreamDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.push(byte_token(0xE2)), "");
  EXPECT_EQ(decoder.push(byte_token(0x96)), "");
  EXPECT_EQ(decoder.finish(), "\uFFFD");
  EXPECT_EQ(decoder.push(byte_token('x')), "x");
}

TEST_F(StreamDecoderTest, ReplacesMalformedBytesAsSoonAsTheyAreKnown) {
  const Tokenizer tokenizer(vocab_.spec());
  StreamDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.push(byte_token(0x80)), "\uFFFD");
  EXPECT_EQ(decoder.push(byte_token(0xE2)), "");
  EXPECT_EQ(decoder.push(byte_token('x')), "\uFFFDx");
}

TEST_F(StreamDecoderTest, HidesControlTokensUnlessAskedAndEndsCharactersAtThem) {
  const Tokenizer tokenizer(vocab_.spec());
  std::vector<TokenId> ids = byte_tokens("a\xE2\x96");
  ids.push_back(*tokenizer.vocab().eos);
  ids.push_back(byte_token(0x81));
  EXPECT_EQ(decode(tokenizer, ids), "a\uFFFD\uFFFD");
  EXPECT_EQ(decode(tokenizer, ids, {.show_control = true}), "a\uFFFD</s>\uFFFD");
}

TEST_F(StreamDecoderTest, TakesAwayTheSpaceThatEncodingPutInFront) {
  const Tokenizer tokenizer(vocab_.spec());
  const auto ids = tokenizer.encode("ab ab");
  EXPECT_EQ(decode(tokenizer, ids), "ab ab");
  EXPECT_EQ(decode(tokenizer, ids, {.starts_text = false}), " ab ab");
  EXPECT_EQ(decode(tokenizer, tokenizer.encode(" ab")), " ab");
}

TEST_F(StreamDecoderTest, KeepsTheFirstSpaceWhereEncodingAddsNone) {
  vocab_.spec().add_space_prefix = false;
  const Tokenizer tokenizer(vocab_.spec());
  EXPECT_EQ(decode(tokenizer, tokenizer.encode(" ab")), " ab");
}

TEST_F(StreamDecoderTest, RefusesATokenOutsideTheVocabulary) {
  const Tokenizer tokenizer(vocab_.spec());
  StreamDecoder decoder(tokenizer);
  for (const int id : {-1, static_cast<int>(tokenizer.n_vocab())}) {
    test::expect_error(ErrorCode::usage, {std::to_string(id), "vocabulary"},
                       [&] { decoder.push(TokenId{id}); });
  }
}

TEST_F(StreamDecoderTest, IsAlwaysWholeAndAddsUpToTheSanitizedBytes) {
  vocab_.spec().add_space_prefix = false;
  const Tokenizer tokenizer(vocab_.spec());
  std::mt19937 rng(5);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (unsigned n = rng() % 20; n > 0; --n) {
      bytes += "\xF0\x9F\xA6\x99\xE2\x96\x81\xC3\xA9\xED\xA0x"[rng() % 12];
    }
    StreamDecoder decoder(tokenizer);
    std::string text;
    for (const TokenId id : byte_tokens(bytes)) {
      const std::string_view piece = decoder.push(id);
      ASSERT_TRUE(utf8::is_valid(piece));
      text += piece;
    }
    text += decoder.finish();
    std::string expected;
    utf8::append_sanitized(expected, bytes);
    ASSERT_EQ(text, expected);
  }
}

}  // namespace
}  // namespace wattle
