// SPDX-License-Identifier: Apache-2.0
#include "measure/bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>

#include "base/huge_pages.h"
#include "measure/peak_memory.h"
#include "measure/roofline.h"
#include "measure/token_cost.h"
#include "tests/support/source_tree.h"
#include "tests/support/tiny_model.h"
#include "wattle/engine.h"

namespace wattle::measure {
namespace {

const std::filesystem::path kStories = test::stories_model();

TEST(BenchTest, IsNamedAsInLlamaBench) {
  EXPECT_EQ((BenchTest{.n_prompt = 512}).name(), "pp512");
  EXPECT_EQ((BenchTest{.n_gen = 128, .n_depth = 4096}).name(), "tg128 @ d4096");
  EXPECT_EQ((BenchTest{.n_prompt = 16, .n_gen = 4}).name(), "pp16+tg4");
  EXPECT_EQ((BenchTest{.n_gen = 8, .n_depth = 64, .n_parallel = 4}).name(), "tg8 x4 @ d64");
}

TEST(BenchSamples, AreAveragedAsSpeedsAndAsTimes) {
  const BenchTest test{.n_prompt = 100};
  const BenchSamples samples{.ns = {1'000'000'000, 500'000'000}};
  EXPECT_DOUBLE_EQ(samples.mean_ns(), 750'000'000);
  EXPECT_NEAR(samples.deviation_ns(), 353553390.6, 0.1);
  EXPECT_DOUBLE_EQ(samples.mean_tokens_per_s(test), 150);  // of 100 and 200
  EXPECT_NEAR(samples.deviation_tokens_per_s(test), 70.71068, 1e-5);
  EXPECT_EQ(BenchSamples{.ns = {5}}.deviation_ns(), 0);
}

// On the model with sliding windows, whose cache cannot always go back.
TEST(RunBench, RepeatsTheSameWorkAtTheSameDepth) {
  Engine engine({.model = kStories, .n_ctx = 512, .n_threads = 2});
  const BenchTest test{.n_gen = 8, .n_depth = 200};
  std::set<uint32_t> repetitions;
  const BenchSamples samples =
      run_bench(engine, test, {.n_repetitions = 3, .on_step = [&](uint32_t repetition) {
                                 repetitions.insert(repetition);
                                 return true;
                               }});
  EXPECT_EQ(samples.ns.size(), 3u);
  EXPECT_TRUE(samples.repeatable);
  EXPECT_THAT(repetitions, testing::ElementsAre(0, 1, 2, 3));
  const BenchSamples again = run_bench(engine, test, {.n_repetitions = 1, .warm_up = false});
  EXPECT_EQ(again.logits_hash, samples.logits_hash);
  const BenchTest elsewhere{.n_gen = 8, .n_depth = 201};
  EXPECT_NE(run_bench(engine, elsewhere, {.n_repetitions = 1}).logits_hash, samples.logits_hash);
}

// The first sequence is fed what it is fed alone. Scalar kernels give it the same bits in company.
TEST(RunBench, TimesSequencesSideBySide) {
  ::setenv("WATTLE_ISA", "scalar", 1);
  Engine engine({.model = kStories, .n_ctx = 64, .n_threads = 1});
  ::unsetenv("WATTLE_ISA");
  const BenchTest test{.n_prompt = 5, .n_gen = 4, .n_depth = 6, .n_parallel = 3};
  EXPECT_EQ(test.n_tokens(), 27u);
  EXPECT_EQ(test.n_ctx(), 15u);
  std::atomic<int> n_inside{0};
  uint32_t n_steps = 0;
  const BenchSamples samples =
      run_bench(engine, test, {.n_repetitions = 2, .on_step = [&](uint32_t) {
                                 EXPECT_EQ(n_inside.fetch_add(1), 0) << "two at once";
                                 ++n_steps;
                                 n_inside.fetch_sub(1);
                                 return true;
                               }});
  EXPECT_EQ(n_steps, 3u * (3 + 2 * 1 + 2 * 4));  // prompts, generation; the depth stays
  EXPECT_TRUE(samples.repeatable);
  const BenchSamples again = run_bench(engine, test, {.n_repetitions = 1});
  EXPECT_EQ(again.logits_hash, samples.logits_hash);
  BenchTest fewer = test;
  fewer.n_parallel = 2;
  EXPECT_NE(run_bench(engine, fewer, {.n_repetitions = 1}).logits_hash, samples.logits_hash);
}

TEST(RunBench, StopsAllSequencesWhenTold) {
  Engine engine({.model = kStories, .n_ctx = 64, .n_threads = 1});
  uint32_t n_steps = 0;
  try {
    run_bench(engine, {.n_gen = 32, .n_parallel = 4},
              {.on_step = [&](uint32_t) { return ++n_steps < 9; }});
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
  EXPECT_EQ(n_steps, 9u);
}

TEST(RunBench, StopsWhenTold) {
  Engine engine({.model = kStories, .n_ctx = 64, .n_threads = 1});
  uint32_t n_steps = 0;
  try {
    run_bench(engine, {.n_gen = 32}, {.on_step = [&](uint32_t) { return ++n_steps < 5; }});
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
  EXPECT_EQ(n_steps, 5u);
}

// 3 layers, 64 wide, heads 4 * 16 and 2 * 16, FFN 96, 80 tokens, f32.
TEST(TokenCost, CountsTheMatricesOfADenseModel) {
  test::TinyModel model = test::make_tiny_model();
  const TokenCost cost = token_cost(*model.file());
  const uint64_t layer = 64 * 64 + 2 * 64 * 32 + 64 * 64 + 3 * 64 * 96;
  EXPECT_EQ(cost.block_ops, 2 * 3 * layer);
  EXPECT_EQ(cost.output_ops, 2u * 80 * 64);
  const uint64_t norms = 64 * (1 + 3 * 2);
  // output_norm stands outside the layers and is left out.
  EXPECT_EQ(cost.weight_bytes, 4 * (3 * layer + 80 * 64 + norms - 64));
  EXPECT_EQ(cost.model_bytes, 4 * (3 * layer + 2 * 80 * 64 + norms));
}

TEST(TokenCost, CountsTheExpertsThatAreUsed) {
  test::TinyModel model = test::make_tiny_model({.n_expert = 8, .n_expert_used = 2});
  const TokenCost cost = token_cost(*model.file());
  const uint64_t attention = 64 * 64 + 2 * 64 * 32 + 64 * 64;
  const uint64_t router = 8 * 64;
  EXPECT_EQ(cost.block_ops, 2 * 3 * (attention + router + 2 * 3 * 64 * 96));
}

// A prompt computes them for its last token alone.
TEST(TokenCost, LayersWithoutKeysOfTheirOwnCountWithTheHead) {
  test::TinyModel model = test::make_tiny_model();
  const uint64_t layer = token_cost(*model.file()).block_ops / 3;
  model.set<uint32_t>("attention.shared_kv_layers", 1);
  const TokenCost cost = token_cost(*model.file());
  EXPECT_EQ(cost.block_ops, 2 * layer);
  EXPECT_EQ(cost.output_ops, layer + 2u * 80 * 64);
}

// Of 8 experts 2 tokens with 2 each take 2 + 2 * (1 - 2/8) on average.
TEST(TokenCost, AStepOfSeveralSequencesReadsTheirExperts) {
  test::TinyModel model = test::make_tiny_model({.n_expert = 8, .n_expert_used = 2});
  const TokenCost cost = token_cost(*model.file());
  const double expert = 4 * 3 * 3 * 64 * 96;  // of all layers
  EXPECT_EQ(cost.expert_bytes, 2 * expert);
  const auto bytes = static_cast<double>(cost.weight_bytes);
  EXPECT_NEAR(cost.step_bytes(1), bytes, 1e-6);
  EXPECT_NEAR(cost.step_bytes(2), bytes + 1.5 * expert, 1e-6);
  EXPECT_NEAR(cost.step_bytes(1000), bytes + 6 * expert, 1e-6);
  test::TinyModel dense = test::make_tiny_model();
  const TokenCost of_dense = token_cost(*dense.file());
  EXPECT_EQ(of_dense.step_bytes(16), static_cast<double>(of_dense.weight_bytes));
}

TEST(TokenCost, ATiedHeadIsRead) {
  test::TinyModel model = test::make_tiny_model();
  model.tensors.erase("output.weight");
  EXPECT_EQ(token_cost(*model.file()).output_ops, 2u * 80 * 64);
}

// No outside figure to hold these to: that they are there, in the range of any machine, and that
// two threads are no slower than half of one.
TEST(Roofline, IsWithinReason) {
  ThreadPool one(1);
  ThreadPool two(2);
  const double read = measure_read_bandwidth(one);
  EXPECT_GT(read, 0.1e9);
  EXPECT_LT(read, 2e12);
  EXPECT_GT(measure_read_bandwidth(two), read / 2);
  const double int8 = measure_int8_peak(one);
  if (int8 == 0) return;  // no instructions for it
  EXPECT_GT(int8, 1e9);
  EXPECT_LT(int8, 1e14);
}

TEST(PeakMemory, SeesWhatWasTakenAndStartsAnew) {
  restart_peak_memory();
  const uint64_t before = peak_memory_bytes();
  ASSERT_GT(before, 0u);
  constexpr size_t kBytes = size_t{64} << 20;
  // Pages of our own: no allocator promises to give them back.
  std::make_unique<HugePages>(kBytes).reset();
  EXPECT_GE(peak_memory_bytes(), before + kBytes / 2);
  if (!std::ofstream("/proc/self/clear_refs")) GTEST_SKIP() << "this system cannot start anew";
  restart_peak_memory();
  EXPECT_LT(peak_memory_bytes(), before + kBytes / 2);
}

}  // namespace
}  // namespace wattle::measure
