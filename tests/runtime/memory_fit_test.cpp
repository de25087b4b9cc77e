// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory_fit.h"

#include <gtest/gtest.h>

#include <string>

#include "wattle/error.h"

namespace wattle::runtime {
namespace {

// 2 layers * 2 heads * (64 + 64) halves = 1,024 bytes a position, in pages of 64 positions.
KvLayout layout(uint32_t n_ctx) {
  const KvLayerShape layer{.n_head_kv = 2, .head_dim_k = 64, .head_dim_v = 64};
  return KvLayout({.layers = {layer, layer}}, {.n_ctx = n_ctx, .n_batch = 16});
}

TEST(MemoryFit, LetsThroughWhatFits) {
  const uint64_t needed = layout(1000).sequence_bytes(1000);
  check_context_fits(layout(1000), 1000, needed);
  check_context_fits(layout(1000), 1000, std::nullopt);
}

TEST(MemoryFit, NamesTheLongestContextThatFits) {
  const KvLayout l = layout(1 << 20);
  try {
    check_context_fits(l, 1 << 20, uint64_t{300} << 20, uint64_t{100} << 20);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::out_of_memory);
    const std::string what = e.what();
    EXPECT_NE(what.find("a context of 1048576 tokens needs 1024.0 MiB"), std::string::npos) << what;
    EXPECT_NE(what.find("only 200.0 MiB"), std::string::npos) << what;
    ASSERT_EQ(e.hint().find("-c "), 0u) << e.hint();
    const auto fits = static_cast<uint32_t>(std::stoul(e.hint().substr(3)));
    EXPECT_LE(l.sequence_bytes(fits), uint64_t{200} << 20);
    EXPECT_GT(l.sequence_bytes(fits + 1), uint64_t{200} << 20);
  }
}

TEST(MemoryFit, SaysSoWhereNothingFits) {
  try {
    check_context_fits(layout(4096), 4096, 1000);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.hint().find("-c"), std::string::npos) << e.hint();
  }
}

}  // namespace
}  // namespace wattle::runtime
