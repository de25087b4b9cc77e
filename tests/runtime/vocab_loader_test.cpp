// SPDX-License-Identifier: Apache-2.0
#include "runtime/vocab_loader.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "gguf/reader.h"
#include "gguf/writer.h"
#include "tests/gguf/expect_error.h"

namespace wattle {
namespace {

using test::expect_error;

// A file of five tokens, to be completed before it is opened.
class VocabFile {
 public:
  explicit VocabFile(std::string_view model = "llama") {
    keys_.set<std::string_view>("general.architecture", "llama");
    keys_.set<std::string_view>("tokenizer.ggml.model", model);
  }

  gguf::Writer& keys() { return keys_; }

  void set_tokens(int32_t last_type = 1) {
    const std::string_view tokens[] = {"<unk>", "<s>", "</s>", "a", "b"};
    const float scores[] = {0, 0, 0, -1, -2};
    const int32_t types[] = {2, 3, 3, 1, last_type};
    keys_.set_array<std::string_view>("tokenizer.ggml.tokens", tokens);
    keys_.set_array<float>("tokenizer.ggml.scores", scores);
    keys_.set_array<int32_t>("tokenizer.ggml.token_type", types);
  }

  const gguf::File& open() {
    bytes_ = keys_.to_bytes();
    file_ = std::make_unique<gguf::File>(bytes_, "vocab.gguf");
    return *file_;
  }

 private:
  gguf::Writer keys_;
  std::vector<std::byte> bytes_;
  std::unique_ptr<gguf::File> file_;
};

TEST(VocabLoader, ReadsTheKeysOfAFileWithoutTensors) {
  VocabFile f;
  f.set_tokens();
  f.keys().set<uint32_t>("tokenizer.ggml.bos_token_id", 1);
  f.keys().set<uint32_t>("tokenizer.ggml.eot_token_id", 3);
  f.keys().set<bool>("tokenizer.ggml.add_bos_token", false);
  f.keys().set<bool>("tokenizer.ggml.add_space_prefix", false);
  const VocabSpec spec = load_vocab(f.open());
  EXPECT_EQ(spec.model, "llama");
  EXPECT_EQ(spec.tokens[3], "a");
  EXPECT_EQ(spec.scores[4], -2);
  EXPECT_EQ(spec.types[0], TokenType::unknown);
  EXPECT_EQ(spec.bos, TokenId{1});
  EXPECT_EQ(spec.eot, TokenId{3});
  EXPECT_FALSE(spec.eom.has_value());
  EXPECT_EQ(spec.add_bos, false);
  EXPECT_EQ(spec.add_space_prefix, false);
}

TEST(VocabLoader, KnowsSentencePiecesDefaults) {
  VocabFile f;
  f.set_tokens();
  const Tokenizer tokenizer = load_tokenizer(f.open());
  EXPECT_EQ(tokenizer.vocab().bos, TokenId{1});
  EXPECT_EQ(tokenizer.vocab().eos, TokenId{2});
  EXPECT_TRUE(tokenizer.adds_bos());
  EXPECT_TRUE(tokenizer.adds_space_prefix());
}

TEST(VocabLoader, TakesMinusOneAsNoToken) {
  VocabFile f;
  f.set_tokens();
  f.keys().set<uint32_t>("tokenizer.ggml.eot_token_id", UINT32_MAX);
  f.keys().set<int32_t>("tokenizer.ggml.eom_token_id", -1);
  const VocabSpec spec = load_vocab(f.open());
  EXPECT_FALSE(spec.eot.has_value());
  EXPECT_FALSE(spec.eom.has_value());
}

TEST(VocabLoader, ReadsMergesWhereTheModelHasThem) {
  VocabFile f("gpt2");
  f.keys().set<std::string_view>("tokenizer.ggml.pre", "qwen2");
  f.set_tokens();
  const std::string_view merges[] = {"a b"};
  f.keys().set_array<std::string_view>("tokenizer.ggml.merges", merges);
  const VocabSpec spec = load_vocab(f.open());
  EXPECT_EQ(spec.pre, "qwen2");
  EXPECT_EQ(spec.merges, std::vector{std::string_view("a b")});
  EXPECT_FALSE(spec.bos.has_value());
}

TEST(VocabLoader, NamesFileAndKeyOfWhatIsMissingOrWrong) {
  VocabFile no_tokens;
  expect_error(ErrorCode::bad_input, {"vocab.gguf", "tokenizer.ggml.tokens"},
               [&] { load_vocab(no_tokens.open()); });

  VocabFile bad_type;
  bad_type.set_tokens(7);
  expect_error(ErrorCode::bad_input, {"vocab.gguf", "tokenizer.ggml.token_type", "4", "7"},
               [&] { load_vocab(bad_type.open()); });

  VocabFile bad_id;
  bad_id.set_tokens();
  bad_id.keys().set<int64_t>("tokenizer.ggml.bos_token_id", int64_t{1} << 40);
  expect_error(ErrorCode::bad_input, {"vocab.gguf", "tokenizer.ggml.bos_token_id"},
               [&] { load_vocab(bad_id.open()); });

  VocabFile unknown("rwkv");
  unknown.set_tokens();
  expect_error(ErrorCode::unsupported, {"vocab.gguf", "tokenizer.ggml.model", "rwkv"},
               [&] { load_tokenizer(unknown.open()); });

  VocabFile outside;
  outside.set_tokens();
  outside.keys().set<uint32_t>("tokenizer.ggml.eos_token_id", 5);
  expect_error(ErrorCode::bad_input, {"vocab.gguf", "tokenizer.ggml.eos_token_id", "5"},
               [&] { load_tokenizer(outside.open()); });
}

}  // namespace
}  // namespace wattle
