// SPDX-License-Identifier: Apache-2.0
// Models on the simulated NPU: their distributions of the next token beside those of the processor,
// both held to float arithmetic (the reference kernels) over the very weights of the file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <vector>

#include "tests/support/needs_golden.h"
#include "tests/support/source_tree.h"
#include "wattle/engine.h"

namespace wattle {
namespace {

// Written for this test: 200 tokens and more of each vocabulary.
const char* const kText =
    "Once upon a time there was a small brown dog who lived near a big green forest. Every "
    "morning he ran to the gate and looked at the tall trees. \"What is behind them?\" he asked "
    "his friend the bird. The bird laughed and said, \"There is a river, and behind the river "
    "there is a hill, and on the hill there is a house with a red door.\" The dog wanted to see "
    "the house. He packed a bone and a blanket and went along the path. It was dark under the "
    "trees and he heard strange noises, but he was brave and did not turn back. At the river he "
    "met an old turtle. \"Can you help me across?\" he asked. \"Climb on my back,\" said the "
    "turtle, \"and hold on tight.\" They swam slowly through the cold water. On the other side "
    "the dog thanked the turtle and gave her half of his bone. Then he ran up the hill as fast "
    "as he could. The red door was open, and a little girl sat in front of it.";

std::unique_ptr<Engine> open_model(const std::filesystem::path& file, const NpuParams& npu,
                                   const char* isa = nullptr) {
  if (isa != nullptr) ::setenv("WATTLE_ISA", isa, 1);
  auto engine = std::make_unique<Engine>(EngineParams{.model = file,
                                                      .n_ctx = 256,
                                                      .n_threads = 2,
                                                      .kv_k = KvCacheType::f32,
                                                      .kv_v = KvCacheType::f32,
                                                      .npu = npu});
  if (isa != nullptr) ::unsetenv("WATTLE_ISA");
  return engine;
}

// [tokens of kText], log probabilities of the token after each.
std::vector<std::vector<double>> log_probs(Engine& engine) {
  auto ids = engine.tokenize(kText, {});
  ids.resize(std::min<size_t>(ids.size(), 240));
  std::vector<std::vector<double>> rows;
  engine.logits(ids, /*all=*/true, [&](std::span<const float> logits) {
    std::vector<double>& row = rows.emplace_back(logits.begin(), logits.end());
    const double largest = *std::ranges::max_element(row);
    double sum = 0;
    for (const double v : row) sum += std::exp(v - largest);
    for (double& v : row) v -= largest + std::log(sum);
  });
  return rows;
}

struct Distance {
  double kl = 0;        // mean over the tokens, nats
  double same_top = 0;  // share
};

Distance distance(const std::vector<std::vector<double>>& exact,
                  const std::vector<std::vector<double>>& other) {
  Distance d;
  for (size_t r = 0; r < exact.size(); ++r) {
    for (size_t i = 0; i < exact[r].size(); ++i)
      d.kl += std::exp(exact[r][i]) * (exact[r][i] - other[r][i]);
    const auto best = [](const std::vector<double>& row) {
      return std::ranges::max_element(row) - row.begin();
    };
    d.same_top += best(exact[r]) == best(other[r]) ? 1 : 0;
  }
  d.kl /= static_cast<double>(exact.size());
  d.same_top /= static_cast<double>(exact.size());
  return d;
}

// What docs/npu.md promises of every model, measured there over 5,000 tokens.
// All but the experts of a mixture is computed at fine precision there, which w4a8 has not.
void expect_as_near_as_the_processor(const std::filesystem::path& file, bool is_moe) {
  const auto exact = log_probs(*open_model(file, {}, "reference"));
  ASSERT_GE(exact.size(), 200U);
  const Distance cpu = distance(exact, log_probs(*open_model(file, {})));
  for (const auto& [driver, arithmetic] :
       {std::pair(NpuDriver::simulator, NpuArithmetic::by_matrix),
        {NpuDriver::simulator_rocket, NpuArithmetic::by_matrix},
        {NpuDriver::simulator, NpuArithmetic::w4a8}}) {
    if (is_moe && arithmetic == NpuArithmetic::w4a8) continue;
    const auto engine =
        open_model(file, {.driver = driver, .arithmetic = arithmetic, .min_rows = 1});
    const Distance npu = distance(exact, log_probs(*engine));
    const auto report = engine->npu();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->n_missed, 0U);
    EXPECT_EQ(report->n_faults, 0U);
    if (arithmetic == NpuArithmetic::by_matrix) {
      EXPECT_GE(report->n_on_npu, report->n_matrices / 2);
      EXPECT_LE(npu.kl, 1.1 * cpu.kl);
    } else {
      EXPECT_LE(npu.kl, 1.5 * cpu.kl);  // the same numerics, so the same but for chance
    }
    EXPECT_GE(npu.same_top, cpu.same_top - 0.01);
  }
}

TEST(NpuModels, StoriesGemma4Moe) { expect_as_near_as_the_processor(test::stories_model(), true); }

TEST(NpuModels, Stories15MQ4) {
  WATTLE_NEEDS_GOLDEN("real/stories15M-q4_0.gguf");
  expect_as_near_as_the_processor(test::golden_dir() / "real/stories15M-q4_0.gguf", false);
}

TEST(NpuModels, Stories15MQ8) {
  WATTLE_NEEDS_GOLDEN("real/stories15M-q8_0.gguf");
  expect_as_near_as_the_processor(test::golden_dir() / "real/stories15M-q8_0.gguf", false);
}

TEST(NpuModels, ReportSaysWhatTheNpuDid) {
  EXPECT_FALSE(open_model(test::stories_model(), {})->npu());
  const auto engine =
      open_model(test::stories_model(), {.driver = NpuDriver::simulator, .min_rows = 32});
  const NpuReport opened = *engine->npu();
  EXPECT_EQ(opened.driver, "simulator");
  EXPECT_FALSE(opened.is_silicon);
  EXPECT_TRUE(opened.is_projection);
  EXPECT_TRUE(opened.in_use);
  EXPECT_GT(opened.n_bytes, 1U << 20);
  EXPECT_EQ(opened.n_submits, 0U) << "probes do not count";
  EXPECT_EQ(opened.busy_ms, 0);

  const auto ids = engine->tokenize(kText, {});
  engine->logits(std::span(ids).first(3), false, [](std::span<const float>) {});
  EXPECT_EQ(engine->npu()->n_submits, opened.n_submits) << "few rows stay on the processor";
  engine->logits(std::span(ids).first(40), false, [](std::span<const float>) {});
  EXPECT_GT(engine->npu()->n_submits, opened.n_submits);
}

// Where there is none to pack for, the file is all that there is to be read.
TEST(NpuModels, LoadingWithoutAnNpuIsToldAsWithoutTheWish) {
  const auto told = [](NpuDriver driver, bool& has_npu) {
    std::vector<uint64_t> done;
    EngineParams params{.model = test::stories_model(), .n_threads = 1, .npu = {.driver = driver}};
    params.on_load_progress = [&](uint64_t n, uint64_t) {
      done.push_back(n);
      return true;
    };
    has_npu = Engine(params).npu().has_value();
    return done;
  };
  bool has_npu = false;
  const auto plain = told(NpuDriver::off, has_npu);
  EXPECT_GT(plain.size(), 1U);
  const auto automatic = told(NpuDriver::automatic, has_npu);
  if (has_npu) GTEST_SKIP() << "this machine has one";
  EXPECT_EQ(automatic, plain);
}

TEST(NpuModels, LoadingIsToldAndCanBeStopped) {
  EngineParams params{
      .model = test::stories_model(), .n_threads = 1, .npu = {.driver = NpuDriver::simulator}};
  uint64_t last = 0;
  params.on_load_progress = [&](uint64_t done, uint64_t total) {
    EXPECT_GE(done, last);
    EXPECT_LE(done, total);
    last = done;
    return true;
  };
  {
    const Engine engine(params);
  }
  EXPECT_EQ(last, std::filesystem::file_size(test::stories_model()));

  int n_calls = 0;
  params.on_load_progress = [&](uint64_t, uint64_t) { return ++n_calls < 3; };
  try {
    const Engine engine(params);
    FAIL() << "not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
  EXPECT_EQ(n_calls, 3);
}

// Of a small model every product is quicker on the processor than a submit.
TEST(NpuModels, ThePlanIsWhatIsPacked) {
  const auto by_plan = open_model(test::stories_model(), {.driver = NpuDriver::simulator});
  const auto forced =
      open_model(test::stories_model(), {.driver = NpuDriver::simulator, .min_rows = 1});
  EXPECT_LT(by_plan->npu()->n_on_npu, forced->npu()->n_on_npu);
  EXPECT_EQ(forced->npu()->n_on_npu, forced->npu()->n_matrices);
  EXPECT_EQ(forced->npu()->n_streamed, 0U);
  const auto short_of_memory =
      open_model(test::stories_model(),
                 {.driver = NpuDriver::simulator, .max_bytes = uint64_t{1} << 20, .min_rows = 1});
  EXPECT_EQ(short_of_memory->npu()->n_on_npu, forced->npu()->n_on_npu);
  EXPECT_GT(short_of_memory->npu()->n_streamed, 0U);
  EXPECT_LT(short_of_memory->npu()->n_streamed, forced->npu()->n_on_npu);
  EXPECT_LT(short_of_memory->npu()->n_bytes, forced->npu()->n_bytes);
  EXPECT_LE(short_of_memory->npu()->n_bytes, uint64_t{1} << 20);
}

TEST(NpuModels, AWattBudgetThatNothingKeepsIsTold) {
  std::string warnings;
  const Engine engine({.model = test::stories_model(),
                       .n_threads = 1,
                       .npu = {.driver = NpuDriver::simulator, .max_watts = 1},
                       .log = [&](LogLevel level, std::string_view line) {
                         if (level == LogLevel::warning) warnings += line;
                       }});
  EXPECT_NE(warnings.find("no placement is projected to keep within 1.0 W"), std::string::npos)
      << warnings;
}

}  // namespace
}  // namespace wattle
