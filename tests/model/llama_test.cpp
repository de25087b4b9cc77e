// SPDX-License-Identifier: Apache-2.0
// What the llama architecture may have and no golden model does, against plain double arithmetic.
#include <gtest/gtest.h>

#include "tests/support/llama_oracle.h"
#include "tests/support/model_runner.h"
#include "tests/support/needs_golden.h"
#include "tests/support/tiny_model.h"

namespace wattle::test {
namespace {

Tokens some_tokens(size_t n, uint32_t n_vocab) {
  Tokens tokens;
  for (size_t i = 0; i < n; ++i) tokens.push_back(static_cast<TokenId>((i * 37 + 11) % n_vocab));
  return tokens;
}

// Rounding to f32 between operators moves logits of spread one by some 1e-6.
void expect_same_as_oracle(std::unique_ptr<gguf::File> file, const Tokens& tokens) {
  const std::vector<Doubles> exact = LlamaOracle(*file).run(tokens);
  ModelRunner runner(std::move(file), {.isa = Isa::reference});
  const Logits logits = runner.feed(runner.new_sequence(), tokens, 7);
  ASSERT_EQ(logits.size(), exact.size());
  for (size_t p = 0; p < exact.size(); ++p) {
    for (size_t t = 0; t < exact[p].size(); ++t) {
      ASSERT_NEAR(logits[p][t], exact[p][t], 5e-5) << "position " << p << ", token " << t;
    }
  }
}

void expect_same_as_oracle(TinyModel model) {
  expect_same_as_oracle(model.file(), some_tokens(20, 80));
}

TEST(LlamaOracle, IsRightAboutAModelWithExactLogits) {
  WATTLE_NEEDS_GOLDEN("models/llama-f32.gguf");
  const auto path = golden_dir() / "models" / "llama-f32.gguf";
  expect_same_as_oracle(std::make_unique<gguf::File>(path), some_tokens(24, 320));
}

TEST(Llama, PlainModel) { expect_same_as_oracle(make_tiny_model()); }

TEST(Llama, Biases) { expect_same_as_oracle(make_tiny_model({.biases = true})); }

TEST(Llama, FusedQkv) { expect_same_as_oracle(make_tiny_model({.fused_qkv = true})); }

TEST(Llama, FusedQkvWithBiases) {
  expect_same_as_oracle(make_tiny_model({.fused_qkv = true, .biases = true}));
}

TEST(Llama, MixtureOfExperts) {
  expect_same_as_oracle(make_tiny_model({.n_expert = 6, .n_expert_used = 2}));
}

TEST(Llama, TiedOutput) {
  TinyModel model = make_tiny_model();
  model.tensors.erase("output.weight");
  expect_same_as_oracle(std::move(model));
}

TEST(Llama, LinearRopeScaling) {
  TinyModel model = make_tiny_model();
  model.set("rope.scaling.type", "linear");
  model.set("rope.scaling.factor", 4.0f);
  expect_same_as_oracle(std::move(model));
}

TEST(Llama, RopeFrequencyFactors) {
  TinyModel model = make_tiny_model();
  model.tensors["rope_freqs.weight"] = {.shape = {8}, .values = {1, 1, 1, 2, 3, 5, 8, 8}};
  expect_same_as_oracle(std::move(model));
}

TEST(Llama, OneKeyHeadForEachQueryHead) {
  TinyModel model = make_tiny_model({.n_head_kv = 4});
  model.remove_key("attention.head_count_kv");  // the default
  expect_same_as_oracle(std::move(model));
}

TEST(Llama, ScaleOfAMatrixMultipliesItsProduct) {
  TinyModel scaled = make_tiny_model();
  TinyModel plain = make_tiny_model();
  scaled.tensors["blk.1.ffn_up.scale"] = {.shape = {1}, .values = {0.5f}};
  for (float& w : plain.tensors["blk.1.ffn_up.weight"].values) w *= 0.5f;
  const Tokens tokens = some_tokens(5, 80);
  ModelRunner a(scaled.file(), {.isa = Isa::reference});
  ModelRunner b(plain.file(), {.isa = Isa::reference});
  EXPECT_EQ(a.feed(a.new_sequence(), tokens, 5), b.feed(b.new_sequence(), tokens, 5));
}

}  // namespace
}  // namespace wattle::test
