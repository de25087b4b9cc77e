// SPDX-License-Identifier: Apache-2.0
#include "measure/synth_vocab.h"

#include <gtest/gtest.h>

#include <set>

#include "gguf/reader.h"
#include "runtime/vocab_loader.h"

namespace wattle::measure {
namespace {

class SynthVocabOf : public testing::TestWithParam<const char*> {
 protected:
  static constexpr uint32_t kVocab = 20000;

  void SetUp() override {
    gguf::Writer writer;
    writer.set<std::string_view>("general.architecture", GetParam());
    set_synth_vocab(writer, GetParam(), kVocab);
    bytes_ = writer.to_bytes();
    file_ = std::make_unique<gguf::File>(bytes_, "synth.gguf");
    tokenizer_.emplace(load_tokenizer(*file_));
  }
  std::string decode(const std::vector<TokenId>& ids) const {
    std::string text;
    for (const TokenId id : ids) tokenizer_->append_bytes(id, text);
    return text;
  }

  std::vector<std::byte> bytes_;
  std::unique_ptr<gguf::File> file_;
  std::optional<Tokenizer> tokenizer_;
};

TEST_P(SynthVocabOf, HasAsManyTokensAsAskedForAndNoneTwice) {
  const auto& tokens = tokenizer_->vocab().tokens;
  EXPECT_EQ(tokens.size(), kVocab);
  EXPECT_EQ(std::set(tokens.begin(), tokens.end()).size(), kVocab);
}

TEST_P(SynthVocabOf, EveryInventedWordIsItsOwnToken) {
  size_t n_words = 0;
  for (int32_t id = 400; id < static_cast<int32_t>(kVocab); ++id) {
    const std::string text = decode({TokenId{id}});
    ASSERT_EQ(tokenizer_->encode(text, {.add_bos = false}), std::vector{TokenId{id}}) << text;
    ++n_words;
  }
  EXPECT_EQ(n_words, kVocab - 400);
}

TEST_P(SynthVocabOf, AnyTextComesBack) {
  for (const std::string text :
       {"Why is the sky blue?", " bakule\n\nmi  so", "größer, 東京, 🙂", "\xff\x00a"}) {
    EXPECT_EQ(decode(tokenizer_->encode(text, {.add_bos = false})), text);
  }
}

TEST_P(SynthVocabOf, HasABeginningWhereModelsWantOneAndAnEnd) {
  const bool qwen = std::string_view(GetParam()) == "qwen3";
  EXPECT_EQ(tokenizer_->adds_bos(), !qwen);
  ASSERT_TRUE(tokenizer_->vocab().eos);
  EXPECT_TRUE(tokenizer_->is_eog(*tokenizer_->vocab().eos));
}

INSTANTIATE_TEST_SUITE_P(EveryFamily, SynthVocabOf,
                         testing::Values("gemma4", "gemma3", "qwen3", "llama"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace wattle::measure
