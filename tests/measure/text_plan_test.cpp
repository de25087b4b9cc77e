// SPDX-License-Identifier: Apache-2.0
#include "measure/text_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/source_tree.h"

namespace wattle::measure {
namespace {

const std::filesystem::path kStories = test::stories_model();
const std::string kText =
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park "
    "with her dog. One day, she saw a big red ball in the tree and wanted to have it.";

TEST(TextPlan, ChunksCountTheirSecondHalf) {
  const TextPlan plan = plan_chunks(1700, 512, 0);
  EXPECT_EQ(plan.window, 512u);
  EXPECT_EQ(plan.step, 512u);
  EXPECT_EQ(plan.n_chunk, 3u);
  EXPECT_EQ(plan.first_scored, 256u);
  EXPECT_EQ(plan.n_scored, 255u);
  EXPECT_EQ(plan_chunks(1700, 512, 2).n_chunk, 2u);
  EXPECT_EQ(plan_chunks(1700, 512, 9).n_chunk, 3u);
  const TextPlan odd = plan_chunks(100, 7, 0);
  EXPECT_EQ(odd.first_scored, 3u);
  EXPECT_EQ(odd.n_scored, 3u);
}

// As llama-perplexity v0.5.0 says of -c 128 --ppl-stride 64: "Calculation chunk = 256".
TEST(TextPlan, StridesCountWhatIsNew) {
  const TextPlan plan = plan_strides(1000, 128, 64, 0);
  EXPECT_EQ(plan.window, 256u);
  EXPECT_EQ(plan.step, 64u);
  EXPECT_EQ(plan.first_scored, 191u);
  EXPECT_EQ(plan.n_scored, 64u);
  EXPECT_EQ(plan.n_chunk, 12u);  // (1000 - 256) / 64, rounded up
  EXPECT_EQ(plan_strides(1000, 128, 64, 5).n_chunk, 5u);
}

TEST(TextPlan, TheLastStrideEndsWithTheText) {
  for (size_t n_tokens = 512; n_tokens < 700; ++n_tokens) {
    const TextPlan plan = plan_strides(n_tokens, 128, 64, 0);
    const size_t end = (plan.n_chunk - 1) * plan.step + plan.window;
    EXPECT_LE(end, n_tokens);
    EXPECT_GE(end + 64, n_tokens);
  }
}

TEST(TextPlan, WhatCannotBeIsRefused) {
  EXPECT_THROW(plan_chunks(1000, 3, 0), Error);
  EXPECT_THROW(plan_chunks(1023, 512, 0), Error);
  EXPECT_THROW(plan_chunks(1000, UINT32_MAX, 0), Error);
  EXPECT_THROW(plan_strides(1000, 128, 128, 0), Error);
  EXPECT_THROW(plan_strides(511, 128, 64, 0), Error);
  try {
    plan_chunks(10, 512, 0);
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_STREQ(error.what(), "the text has 10 tokens, but a context of 512 needs at least 1024");
  }
}

struct Row {
  uint32_t chunk;
  std::vector<float> logits;
  TokenId next;
};

// Each row against the logits of the engine for just what stands before it. The scalar kernels give
// a row the same bits in any company.
TEST(ReadText, GivesTheLogitsBeforeEachToken) {
  ::setenv("WATTLE_ISA", "scalar", 1);
  Engine engine({.model = kStories, .n_ctx = 64, .n_threads = 1});
  ::unsetenv("WATTLE_ISA");
  const std::vector<TokenId> tokens = engine.tokenize(kText, {});
  const std::vector<TokenId> bos = engine.tokenize("", {});
  ASSERT_EQ(bos.size(), 1u);
  ASSERT_EQ(tokens.front(), bos.front());
  ASSERT_GE(tokens.size(), 32u);
  for (const bool with_bos : {true, false}) {
    const TextPlan plan{.window = 16,
                        .step = 8,
                        .first_scored = 9,
                        .n_scored = 4,
                        .n_chunk = 3,
                        .starts_with_bos = with_bos};
    std::vector<Row> rows;
    read_text(
        engine, tokens, plan, [] {},
        [&](uint32_t chunk, uint32_t row, std::span<const float> logits, TokenId next) {
          EXPECT_EQ(row, rows.size() % 4);
          rows.push_back({chunk, {logits.begin(), logits.end()}, next});
        });
    ASSERT_EQ(rows.size(), 12u);
    for (size_t i = 0; i < rows.size(); ++i) {
      const size_t begin = 8 * (i / 4);
      const size_t last = begin + 9 + i % 4;
      EXPECT_EQ(rows[i].chunk, i / 4);
      EXPECT_EQ(rows[i].next, tokens[last + 1]);
      std::vector<TokenId> before(tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                                  tokens.begin() + static_cast<std::ptrdiff_t>(last + 1));
      if (with_bos) before.front() = bos.front();
      engine.logits(before, false, [&](std::span<const float> expected) {
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), rows[i].logits.begin())) << i;
      });
    }
  }
}

// A context of 513 tokens takes three steps, and two rows follow.
TEST(ReadText, CanBeStoppedWithinTheContext) {
  Engine engine({.model = kStories, .n_ctx = 600, .n_threads = 1});
  const std::vector<TokenId> tokens(600, TokenId{5});
  const TextPlan plan{.window = 600, .step = 600, .first_scored = 513, .n_scored = 2, .n_chunk = 1};
  int n_steps = 0;
  int n_rows = 0;
  const auto count_row = [&](auto&&...) { ++n_rows; };
  read_text(engine, tokens, plan, [&] { ++n_steps; }, count_row);
  EXPECT_EQ(n_steps, 3 + 2);
  EXPECT_EQ(n_rows, 2);
  const auto stop = [&] {
    if (++n_steps == 7) throw Error(ErrorCode::cancelled, "interrupted");
  };
  EXPECT_THROW(read_text(engine, tokens, plan, stop, count_row), Error);
  EXPECT_EQ(n_rows, 2);
}

}  // namespace
}  // namespace wattle::measure
