// SPDX-License-Identifier: Apache-2.0
// Several texts of stories15M at once, on a simulated NPU that goes wrong.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/source_tree.h"
#include "wattle/engine.h"

namespace wattle::test {

inline constexpr std::array<const char*, 4> kBeginnings{
    "Once upon a time, there was a little girl named Lily. She had a red ball and",
    "The old dog sat near the river and looked at", "Tom and his mother went to the big",
    "One day, a bird found a shiny stone. It thought"};

inline std::unique_ptr<Engine> open_stories(NpuParams npu) {
  return std::make_unique<Engine>(EngineParams{.model = golden_dir() / "real/stories15M-q4_0.gguf",
                                               .n_ctx = 256,
                                               .n_threads = 2,
                                               .kv_k = KvCacheType::f32,
                                               .kv_v = KvCacheType::f32,
                                               .npu = std::move(npu)});
}

// Exact tiles, and every call of the model goes through the NPU, those of a single row too.
inline NpuParams faulty_simulator(std::string faults) {
  return {.driver = NpuDriver::simulator,
          .arithmetic = NpuArithmetic::w4a8,
          .min_rows = 1,
          .faults = std::move(faults)};
}

inline TokenId likeliest(std::span<const float> logits) {
  return static_cast<TokenId>(std::ranges::max_element(logits) - logits.begin());
}

// The beginning and n_predict more tokens, the likeliest each time.
inline std::vector<TokenId> continued(Engine& engine, const char* beginning, size_t n_predict) {
  std::vector<TokenId> ids = engine.tokenize(beginning, {});
  ids.reserve(ids.size() + n_predict);  // spans of it stay
  const auto sequence = engine.new_raw_sequence();
  std::span<const TokenId> next(ids);
  for (size_t i = 0; i < n_predict; ++i) {
    TokenId found{};
    sequence->feed(next, RawSequence::Want::last,
                   [&](std::span<const float> row) { found = likeliest(row); });
    ids.push_back(found);
    next = std::span(ids).last(1);
  }
  return ids;
}

inline std::vector<std::vector<TokenId>> all_at_once(Engine& engine, size_t n_predict) {
  std::vector<std::vector<TokenId>> texts(kBeginnings.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < texts.size(); ++i) {
    threads.emplace_back([&, i] { texts[i] = continued(engine, kBeginnings[i], n_predict); });
  }
  for (std::thread& thread : threads) thread.join();
  return texts;
}

// That each token is what the CPU would have taken. Both add the same integers, in another order of
// floats, and who shares a batch changes the last bits as well; now and then one of them makes an
// activation another integer. Where two tokens are as good as equal, either may come.
inline void expect_tokens_of_the_cpu(const std::vector<std::vector<TokenId>>& texts,
                                     size_t n_predict) {
  constexpr float kMargin = 0.2F;  // of logits that are spread by several
  const auto cpu = open_stories({});
  size_t n_same = 0;
  for (const auto& ids : texts) {
    ASSERT_GT(ids.size(), n_predict) << "a request was lost";
    size_t next = 1;
    cpu->logits(ids, /*all=*/true, [&](std::span<const float> row) {
      if (next >= ids.size() - n_predict && next < ids.size()) {
        const float best = row[static_cast<size_t>(likeliest(row))];
        EXPECT_GE(row[static_cast<size_t>(ids[next])], best - kMargin) << "token " << next;
        n_same += ids[next] == likeliest(row) ? 1 : 0;
      }
      ++next;
    });
  }
  EXPECT_GE(static_cast<double>(n_same), 0.95 * static_cast<double>(texts.size() * n_predict));
}

}  // namespace wattle::test
