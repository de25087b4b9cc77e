// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <thread>
#include <vector>

#include "tests/gguf/expect_error.h"
#include "tests/support/source_tree.h"
#include "wattle/engine.h"

namespace wattle {
namespace {

using Want = RawSequence::Want;
using Rows = std::vector<std::vector<float>>;

// The scalar kernels give a row the same bits in any company.
class RawSequenceTest : public testing::Test {
 protected:
  RawSequenceTest() {
    ::setenv("WATTLE_ISA", "scalar", 1);
    engine_.emplace(
        EngineParams{.model = test::stories_model(), .n_ctx = 48, .n_batch = 16, .n_threads = 1});
    ::unsetenv("WATTLE_ISA");
    for (int32_t i = 0; i < 48; ++i) ids_.push_back(TokenId{2 + 7 * i});
  }
  std::span<const TokenId> ids(size_t begin, size_t end) const {
    return std::span(ids_).subspan(begin, end - begin);
  }
  static Rows feed(RawSequence& sequence, std::span<const TokenId> ids, Want want) {
    Rows rows;
    sequence.feed(ids, want,
                  [&](std::span<const float> row) { rows.emplace_back(row.begin(), row.end()); });
    return rows;
  }
  // What follows the first n ids, computed at once.
  std::vector<float> after(size_t n) {
    std::vector<float> logits;
    engine_->logits(ids(0, n), false,
                    [&](std::span<const float> row) { logits.assign(row.begin(), row.end()); });
    return logits;
  }

  std::optional<Engine> engine_;
  std::vector<TokenId> ids_;
};

TEST_F(RawSequenceTest, GoesOnWhereItWas) {
  const auto sequence = engine_->new_raw_sequence();
  EXPECT_TRUE(feed(*sequence, ids(0, 20), Want::none).empty());
  EXPECT_EQ(sequence->size(), 20u);
  const Rows last = feed(*sequence, ids(20, 40), Want::last);
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0], after(40));
  const Rows all = feed(*sequence, ids(40, 48), Want::all);
  ASSERT_EQ(all.size(), 8u);
  EXPECT_EQ(all[0], after(41));
  EXPECT_EQ(all[7], after(48));
}

TEST_F(RawSequenceTest, GoesBack) {
  const auto sequence = engine_->new_raw_sequence();
  feed(*sequence, ids(0, 40), Want::none);
  const uint32_t left = sequence->truncate(30);
  EXPECT_TRUE(left == 30 || left == 0) << left;
  EXPECT_EQ(sequence->size(), left);
  EXPECT_EQ(feed(*sequence, ids(left, 32), Want::last)[0], after(32));
  EXPECT_EQ(sequence->truncate(100), 32u);  // there is nothing to take away
  EXPECT_EQ(sequence->truncate(0), 0u);
  EXPECT_EQ(feed(*sequence, ids(0, 5), Want::last)[0], after(5));
}

TEST_F(RawSequenceTest, HoldsNoMoreThanTheContext) {
  const auto sequence = engine_->new_raw_sequence();
  feed(*sequence, ids(0, 40), Want::none);
  test::expect_error(ErrorCode::usage, {"9 ids", "1 to 8"},
                     [&] { feed(*sequence, ids(0, 9), Want::none); });
  test::expect_error(ErrorCode::usage, {"0 ids"}, [&] { feed(*sequence, {}, Want::none); });
  EXPECT_EQ(sequence->size(), 40u);
}

// Prompts of other lengths and then one token after the other, all at the same time: whatever is
// computed together, each gets the bits that it gets alone.
TEST_F(RawSequenceTest, SeveralAtOnceGetWhatEachGetsAlone) {
  constexpr size_t kThreads = 5;
  const auto prompt_of = [&](size_t t) { return ids(t, 3 + 6 * t); };
  const auto run = [&](size_t t) {
    const auto sequence = engine_->new_raw_sequence();
    Rows rows = feed(*sequence, prompt_of(t), t % 2 == 0 ? Want::all : Want::last);
    for (size_t i = 0; i < 12; ++i) {
      rows.push_back(feed(*sequence, ids(30 + i - t, 31 + i - t), Want::last)[0]);
    }
    return rows;
  };
  std::vector<Rows> alone;
  for (size_t t = 0; t < kThreads; ++t) alone.push_back(run(t));
  std::vector<Rows> together(kThreads);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) threads.emplace_back([&, t] { together[t] = run(t); });
  for (std::thread& thread : threads) thread.join();
  for (size_t t = 0; t < kThreads; ++t) EXPECT_EQ(together[t], alone[t]) << "sequence " << t;
}

// What one sequence is refused, in the middle of batches with others, is no matter of theirs.
TEST_F(RawSequenceTest, AnErrorOfOneLeavesTheOthersAlone) {
  constexpr size_t kSteps = 20;
  std::vector<float> wanted = after(kSteps);
  std::vector<std::vector<float>> last(3);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < last.size(); ++t) {
    threads.emplace_back([&, t] {
      const auto sequence = engine_->new_raw_sequence();
      for (size_t i = 0; i < kSteps; ++i) {
        last[t] = feed(*sequence, ids(i, i + 1), Want::last)[0];
      }
    });
  }
  threads.emplace_back([&] {
    const auto sequence = engine_->new_raw_sequence();
    const TokenId no_token{-1};
    for (size_t i = 0; i < kSteps; ++i) {
      test::expect_error(ErrorCode::usage, {"token -1"},
                         [&] { feed(*sequence, {&no_token, 1}, Want::last); });
      EXPECT_EQ(sequence->size(), 0u);
    }
  });
  for (std::thread& thread : threads) thread.join();
  for (const auto& row : last) EXPECT_EQ(row, wanted);
}

}  // namespace
}  // namespace wattle
