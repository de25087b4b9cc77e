// SPDX-License-Identifier: Apache-2.0
#include "runtime/context_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "wattle/error.h"

namespace wattle::runtime {
namespace {

std::vector<TokenId> text_of(int32_t n) {
  std::vector<TokenId> text;
  for (int32_t i = 0; i < n; ++i) text.push_back(TokenId{i});
  return text;
}

std::vector<int32_t> seen(const ContextWindow& window, int32_t n) {
  std::vector<int32_t> ids;
  for (const TokenId id : window.view(text_of(n))) ids.push_back(to_int(id));
  return ids;
}

TEST(ContextWindow, ShowsAllOfATextThatFits) {
  EXPECT_EQ(seen({8, std::nullopt, true}, 8), (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(seen({8, ContextShift{2}, true}, 8), (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(ContextWindow, ForgetsHalfOfWhatIsNotKeptAtATime) {
  const ContextWindow window(8, ContextShift{2}, false);  // steps of 3
  EXPECT_EQ(seen(window, 9), (std::vector<int32_t>{0, 1, 5, 6, 7, 8}));
  EXPECT_EQ(seen(window, 11), (std::vector<int32_t>{0, 1, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(seen(window, 12), (std::vector<int32_t>{0, 1, 8, 9, 10, 11}));
  EXPECT_EQ(window.n_forgotten(12), 6u);
}

TEST(ContextWindow, KeepsABosInAnyCase) {
  EXPECT_EQ(seen({4, ContextShift{0}, true}, 5), (std::vector<int32_t>{0, 2, 3, 4}));
  EXPECT_EQ(seen({4, ContextShift{0}, false}, 5), (std::vector<int32_t>{2, 3, 4}));
}

TEST(ContextWindow, AlwaysFitsAndEndsWithTheEnd) {
  for (uint32_t n_ctx = 2; n_ctx < 20; ++n_ctx) {
    for (uint32_t n_keep = 0; n_keep + 2 <= n_ctx; ++n_keep) {
      const ContextWindow window(n_ctx, ContextShift{n_keep}, false);
      for (int32_t n = 1; n < 60; ++n) {
        const auto ids = seen(window, n);
        ASSERT_LE(ids.size(), n_ctx);
        ASSERT_EQ(ids.back(), n - 1);
        ASSERT_EQ(ids.size() + window.n_forgotten(static_cast<size_t>(n)), static_cast<size_t>(n));
        ASSERT_TRUE(std::is_sorted(ids.begin(), ids.end()));
        for (uint32_t i = 0; i < n_keep && i < ids.size(); ++i) {
          ASSERT_EQ(ids[i], static_cast<int32_t>(i));
        }
      }
    }
  }
}

TEST(ContextWindow, RefusesWhatCannotFit) {
  EXPECT_THROW(seen({8, std::nullopt, true}, 9), Error);
  EXPECT_THROW(ContextWindow(8, ContextShift{7}, false), Error);
  EXPECT_NO_THROW(ContextWindow(8, ContextShift{6}, false));
}

}  // namespace
}  // namespace wattle::runtime
