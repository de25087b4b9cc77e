// SPDX-License-Identifier: Apache-2.0
#include "wattle/engine.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "tests/gguf/expect_error.h"
#include "tests/support/source_tree.h"

namespace wattle {
namespace {

using test::expect_error;

const std::filesystem::path kModel = test::stories_model();

EngineParams params_with(EngineParams params) {
  params.model = kModel;
  return params;
}

TEST(Engine, TellsWhatItOpened) {
  const Engine engine(params_with({}));
  EXPECT_EQ(engine.model().architecture, "gemma4");
  EXPECT_EQ(engine.model().n_vocab, 5081u);
  EXPECT_EQ(engine.model().n_ctx_train, 1024u);
  EXPECT_EQ(engine.model().size_bytes, std::filesystem::file_size(kModel));
  EXPECT_GT(engine.model().n_params, 8'000'000u);
  EXPECT_FALSE(engine.model().has_chat_template);
  EXPECT_EQ(engine.n_ctx(), 1024u);  // the trained one, as it is below 8192
}

TEST(Engine, TokenizesWithAndWithoutBos) {
  const Engine engine(params_with({}));
  const std::vector<TokenId> with = engine.tokenize("One day", {});
  EXPECT_EQ(with, (std::vector<TokenId>{TokenId(2), TokenId(1849), TokenId(1585)}));
  EXPECT_EQ(engine.tokenize("One day", {.add_bos = false}),
            (std::vector<TokenId>{TokenId(1849), TokenId(1585)}));
}

TEST(Engine, ReportsLoadingAndStopsWhenToldTo) {
  uint64_t last = 0;
  const Engine engine(params_with({.on_load_progress = [&](uint64_t done, uint64_t total) {
    EXPECT_GE(done, last);
    EXPECT_LE(done, total);
    last = done;
    return true;
  }}));
  EXPECT_EQ(last, std::filesystem::file_size(kModel));
  expect_error(ErrorCode::cancelled, {"cancelled"}, [] {
    Engine(params_with({.on_load_progress = [](uint64_t, uint64_t) { return false; }}));
  });
}

TEST(Engine, RefusesParametersThatMakeNoSense) {
  expect_error(ErrorCode::usage, {"-b", "0"}, [] { Engine(params_with({.n_batch = 0})); });
  expect_error(ErrorCode::usage, {"--watts", "-1"},
               [] { Engine(params_with({.npu = {.max_watts = -1}})); });
  expect_error(ErrorCode::usage, {"--npu-kl", "0"},
               [] { Engine(params_with({.npu = {.max_divergence = 0}})); });
  expect_error(ErrorCode::usage, {"-t", "5000"}, [] { Engine(params_with({.n_threads = 5000})); });
  expect_error(ErrorCode::io, {"absent.gguf"}, [] { Engine({.model = "absent.gguf"}); });
}

TEST(Engine, RefusesAContextThatDoesNotFitIntoMemory) {
  expect_error(ErrorCode::out_of_memory, {"1000000000 tokens", "MiB"},
               [] { Engine(params_with({.n_ctx = 1'000'000'000})); });
}

TEST(Engine, RefusesAKernelSetThatIsNone) {
  ::setenv("WATTLE_ISA", "sse9", 1);
  expect_error(ErrorCode::usage, {"sse9"}, [] { Engine(params_with({})); });
  ::unsetenv("WATTLE_ISA");
}

TEST(Engine, WarnsBeyondTheTrainedContext) {
  std::string log;
  const Engine engine(
      params_with({.n_ctx = 2048, .log = [&](LogLevel level, std::string_view line) {
                     if (level == LogLevel::warning) log += line;
                   }}));
  EXPECT_NE(log.find("2048"), std::string::npos) << log;
}

// In steps of 16 ids; the last row must be the same whether or not the others are wanted. The
// scalar kernels give a row the same bits in any company.
TEST(Engine, GivesTheLogitsOfAllIdsOrOfTheLast) {
  ::setenv("WATTLE_ISA", "scalar", 1);
  Engine engine(params_with({.n_batch = 16}));
  ::unsetenv("WATTLE_ISA");
  const std::vector<TokenId> ids = engine.tokenize(
      "Once upon a time, there was a little girl named Lily. She loved to play outside.", {});
  ASSERT_GT(ids.size(), 16u);
  std::vector<std::vector<float>> all;
  engine.logits(ids, true,
                [&](std::span<const float> row) { all.emplace_back(row.begin(), row.end()); });
  ASSERT_EQ(all.size(), ids.size());
  EXPECT_EQ(all.back().size(), 5081u);
  EXPECT_NE(all.front(), all.back());
  std::vector<std::vector<float>> last;
  engine.logits(ids, false,
                [&](std::span<const float> row) { last.emplace_back(row.begin(), row.end()); });
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last.back(), all.back());
}

TEST(Engine, TokensAreTheBytesOfTheText) {
  Engine engine(params_with({}));
  const std::string text = "Lily saw a caf\xc3\xa9.";
  std::string bytes;
  for (const TokenId id : engine.tokenize(text, {.add_bos = false, .parse_special = false})) {
    bytes += engine.token_bytes(id);
  }
  EXPECT_EQ(bytes, " " + text);  // the model wants a space before the first word
  expect_error(ErrorCode::usage, {"5081"}, [&] { engine.token_bytes(TokenId(5081)); });
  expect_error(ErrorCode::usage, {"-1"}, [&] { engine.token_bytes(TokenId(-1)); });
}

TEST(Engine, RefusesIdsThatAreNone) {
  Engine engine(params_with({.n_ctx = 32}));
  const auto ask = [&](std::vector<TokenId> ids) { engine.logits(ids, false, [](auto) {}); };
  expect_error(ErrorCode::usage, {"0 ids"}, [&] { ask({}); });
  expect_error(ErrorCode::usage, {"33 ids", "32"}, [&] { ask(std::vector<TokenId>(33)); });
  expect_error(ErrorCode::usage, {"5081"}, [&] { ask({TokenId(2), TokenId(5081)}); });
  expect_error(ErrorCode::usage, {"-1"}, [&] { ask({TokenId(-1)}); });
}

TEST(Engine, TwoLiveInOneProcess) {
  Engine one(params_with({.n_threads = 2}));
  Engine two(params_with({.n_threads = 1}));
  CompletionRequest request{.prompt = "One day", .n_predict = 5};
  request.sampling.temperature = 0.0f;
  EXPECT_EQ(one.new_session()->complete(request, {}).message.content,
            two.new_session()->complete(request, {}).message.content);
}

}  // namespace
}  // namespace wattle
