// SPDX-License-Identifier: Apache-2.0
#include "model/kv_cache.h"

#include <gtest/gtest.h>

#include "tests/gguf/expect_error.h"
#include "tests/support/model_runner.h"
#include "tests/support/tiny_model.h"

namespace wattle {
namespace {

using kernels::KvType;
using test::expect_error;

constexpr KvLayerShape kFull{.n_head_kv = 2, .head_dim_k = 32, .head_dim_v = 64, .swa = false};
constexpr KvLayerShape kWindow{.n_head_kv = 2, .head_dim_k = 32, .head_dim_v = 64, .swa = true};

KvCacheParams params(uint32_t n_ctx, uint32_t n_batch) {
  return {.k = KvType::f32, .v = KvType::f16, .n_ctx = n_ctx, .n_batch = n_batch};
}

void append(KvCache& cache, SeqId id, uint32_t n) {
  std::vector<Pos> pos;
  const std::vector<SeqId> seq(n, id);
  for (uint32_t i = 0; i < n; ++i) pos.push_back(static_cast<Pos>(cache.length(id) + i));
  cache.append(seq, pos);
}

TEST(KvCache, AllocatesExactlyWhatTheLayoutPromises) {
  KvCache cache({.layers = {kFull, kWindow, kWindow}, .n_swa = 100}, params(1000, 50));
  EXPECT_EQ(cache.allocated_bytes(), 0u);
  const SeqId a = cache.create_sequence();
  while (cache.length(a) < 1000) {
    append(cache, a, 50);
    EXPECT_EQ(cache.allocated_bytes(), cache.layout().sequence_bytes(cache.length(a)));
  }
  const SeqId b = cache.create_sequence();
  append(cache, b, 1);
  EXPECT_EQ(cache.allocated_bytes(),
            cache.layout().sequence_bytes(1000) + cache.layout().sequence_bytes(1));
  cache.free_sequence(a);
  EXPECT_EQ(cache.allocated_bytes(), cache.layout().sequence_bytes(1));
}

TEST(KvCache, RingHoldsWindowAndBatchWhateverTheLength) {
  const KvLayout layout({.layers = {kWindow}, .n_swa = 1024}, params(262144, 512));
  // 1024 + 512 positions touch at most 25 pages of 64.
  EXPECT_EQ(layout.n_ring_pages(), 25u);
  EXPECT_EQ(layout.sequence_bytes(262144), layout.sequence_bytes(25 * 64));
}

TEST(KvCache, BytesOfARowByType) {
  EXPECT_EQ(kv_row_bytes(KvType::f32, 64), 256u);
  EXPECT_EQ(kv_row_bytes(KvType::f16, 64), 128u);
  EXPECT_EQ(kv_row_bytes(KvType::q8_0, 64), 68u);
}

TEST(KvCache, RowsOfAHeadLieWithoutGaps) {
  KvCache cache({.layers = {kFull, kWindow}, .n_swa = 100}, params(1000, 200));
  const SeqId id = cache.create_sequence();
  append(cache, id, 150);
  for (const size_t il : {0, 1}) {
    const KvLayout::Layer& layer = cache.layout().layer(il);
    for (const uint32_t h : {0u, 1u}) {
      EXPECT_EQ(cache.k_row(il, id, Pos{130}, h),
                cache.k_page(il, id, 2, h) + 2 * layer.k_row_bytes);
      EXPECT_EQ(cache.v_row(il, id, Pos{63}, h),
                cache.v_page(il, id, 0, h) + 63 * layer.v_row_bytes);
    }
  }
}

TEST(KvCache, FullLayersGoBackAnywhere) {
  KvCache cache({.layers = {kFull}}, params(1000, 100));
  const SeqId id = cache.create_sequence();
  for (int i = 0; i < 9; ++i) append(cache, id, 100);
  for (const uint32_t length : {900, 899, 64, 1, 0}) {
    ASSERT_TRUE(cache.can_truncate(id, length));
    cache.truncate(id, length);
    EXPECT_EQ(cache.length(id), length);
    EXPECT_EQ(cache.allocated_bytes(), cache.layout().sequence_bytes(length));
  }
  EXPECT_FALSE(cache.can_truncate(id, 1));  // that would be forward
}

TEST(KvCache, WindowGoesBackOnlyWhileTheRingHoldsIt) {
  KvCache cache({.layers = {kWindow}, .n_swa = 64}, params(10000, 64));
  const SeqId id = cache.create_sequence();
  const uint32_t ring = cache.layout().n_ring_pages() * kKvPagePositions;
  while (cache.length(id) < ring) append(cache, id, 64);
  EXPECT_TRUE(cache.can_truncate(id, 1));  // nothing was overwritten yet
  append(cache, id, 1);                    // now the first page was
  const uint32_t first_held = kKvPagePositions;
  EXPECT_TRUE(cache.can_truncate(id, first_held + 64 - 1));
  EXPECT_FALSE(cache.can_truncate(id, first_held + 64 - 2));
  EXPECT_TRUE(cache.can_truncate(id, 0));
  // Going back does not bring back what was overwritten.
  cache.truncate(id, first_held + 64 - 1);
  EXPECT_FALSE(cache.can_truncate(id, first_held + 64 - 2));
  cache.truncate(id, 0);
  append(cache, id, 10);
  EXPECT_TRUE(cache.can_truncate(id, 3));
}

TEST(KvCache, RefusesWhatDoesNotFitAndStaysAsItWas) {
  KvCache cache({.layers = {kFull}}, params(100, 50));
  const SeqId id = cache.create_sequence();
  append(cache, id, 50);
  const auto usage = [&](std::vector<SeqId> seq, std::vector<Pos> pos,
                         std::initializer_list<std::string_view> parts) {
    expect_error(ErrorCode::usage, parts, [&] { cache.append(seq, pos); });
    EXPECT_EQ(cache.length(id), 50u);
  };
  usage({id}, {Pos{51}}, {"position 51", "expected 50"});
  usage({id, id}, {Pos{50}, Pos{50}}, {"row 1", "expected 51"});
  usage({id}, {Pos{-1}}, {"position -1"});
  usage({SeqId{7}}, {Pos{0}}, {"sequence 7"});
  usage({SeqId{-1}}, {Pos{0}}, {"sequence -1"});
  const std::vector<SeqId> many(51, id);
  std::vector<Pos> pos;
  for (int i = 50; i < 101; ++i) pos.push_back(static_cast<Pos>(i));
  expect_error(ErrorCode::usage, {"100"}, [&] { cache.append(many, pos); });
  append(cache, id, 50);
  expect_error(ErrorCode::usage, {"past the context of 100"}, [&] { append(cache, id, 1); });
}

TEST(KvCache, NamesTheNumbersWhenMemoryRunsOut) {
  KvCacheParams limited = params(1000, 100);
  limited.max_bytes = 2 * KvLayout({.layers = {kFull}}, limited).full_page_bytes();
  KvCache cache({.layers = {kFull}}, limited);
  const SeqId id = cache.create_sequence();
  append(cache, id, 100);
  expect_error(ErrorCode::out_of_memory, {"MiB", "limit"}, [&] { append(cache, id, 100); });
  EXPECT_EQ(cache.length(id), 100u);
}

TEST(KvCache, RefusesParametersThatDoNotFit) {
  KvShape odd{.layers = {{.n_head_kv = 1, .head_dim_k = 48, .head_dim_v = 48}}};
  expect_error(ErrorCode::usage, {"q8_0", "48"}, [&] {
    KvCache(odd, {.k = KvType::q8_0, .v = KvType::f16, .n_ctx = 10, .n_batch = 1});
  });
  expect_error(ErrorCode::usage, {"context of 0"}, [&] { KvCache(odd, params(0, 1)); });
  expect_error(ErrorCode::usage, {"batch of 0"}, [&] { KvCache(odd, params(1, 0)); });
}

// A model whose window wraps the ring many times must see what one sees whose ring never wraps.
TEST(KvCache, RingGivesTheSameLogitsAsKeepingEverything) {
  test::TinyModel model = test::make_tiny_model({.arch = "gemma3", .n_layer = 7, .n_swa = 70});
  test::Tokens tokens;
  for (int i = 0; i < 700; ++i) tokens.push_back(static_cast<TokenId>(i * 31 % 79));
  test::ModelRunner ring(model.file(), {.n_batch = 16});
  test::ModelRunner whole(model.file(), {.n_batch = 1000});
  ASSERT_LT(ring.cache().layout().n_ring_pages() * kKvPagePositions, 200u);
  ASSERT_GT(whole.cache().layout().n_ring_pages() * kKvPagePositions, 700u);
  EXPECT_EQ(ring.feed(ring.new_sequence(), tokens, 16),
            whole.feed(whole.new_sequence(), tokens, 16));
}

TEST(KvCache, ASequenceThatWentBackGoesOnAsIfItHadNeverBeenFurther) {
  test::TinyModel model = test::make_tiny_model({.arch = "gemma3", .n_layer = 7, .n_swa = 20});
  test::Tokens tokens;
  for (int i = 0; i < 90; ++i) tokens.push_back(static_cast<TokenId>(i * 31 % 79));
  test::ModelRunner runner(model.file(), {.n_batch = 64});
  const std::span<const TokenId> all = tokens;
  const SeqId id = runner.new_sequence();
  const test::Logits first = runner.feed(id, all, 10);
  ASSERT_TRUE(runner.cache().can_truncate(id, 50));
  runner.cache().truncate(id, 50);
  const test::Logits again = runner.feed(id, all.subspan(50), 10);
  EXPECT_EQ(again, test::Logits(first.begin() + 50, first.end()));
}

std::vector<std::byte> pages_of(const KvCache& cache, SeqId id) {
  std::vector<std::byte> bytes;
  cache.for_each_page(id, [&](std::span<const std::byte> page) {
    bytes.insert(bytes.end(), page.begin(), page.end());
  });
  return bytes;
}

TEST(KvCache, RestoresWhatItHeld) {
  const KvShape shape{.layers = {kFull, kWindow}, .n_swa = 100};
  for (const uint32_t n : {1u, 64u, 65u, 500u}) {
    KvCache cache(shape, params(1000, 50));
    const SeqId id = cache.create_sequence();
    while (cache.length(id) < n) append(cache, id, std::min(50u, n - cache.length(id)));
    for (uint32_t p = n > 100 ? n - 100 : 0; p < n; ++p) {
      *cache.k_row(0, id, Pos(p), 1) = static_cast<std::byte>(p);
      *cache.v_row(1, id, Pos(p), 0) = static_cast<std::byte>(p + 1);
    }
    const auto pages = pages_of(cache, id);
    KvCache other(shape, params(1000, 50));
    other.create_sequence();
    const SeqId copy = other.create_sequence();
    append(other, copy, 3);  // what it held is forgotten
    other.restore(copy, cache.extent(id), pages);
    EXPECT_EQ(other.length(copy), n);
    EXPECT_EQ(pages_of(other, copy), pages);
    EXPECT_EQ(other.allocated_bytes(), cache.allocated_bytes());
    for (const uint32_t length : {n - 1, n / 2}) {
      EXPECT_EQ(other.can_truncate(copy, length), cache.can_truncate(id, length));
    }
    EXPECT_EQ(*other.k_row(0, copy, Pos(n - 1), 1), static_cast<std::byte>(n - 1));
    EXPECT_EQ(*other.v_row(1, copy, Pos(n - 1), 0), static_cast<std::byte>(n));
  }
}

TEST(KvCache, CopiesABeginningAsTruncatingWould) {
  for (const uint32_t length : {1u, 64u, 150u, 499u, 500u}) {
    KvCache cache({.layers = {kFull, kWindow}, .n_swa = 100}, params(1000, 50));
    const SeqId from = cache.create_sequence();
    const SeqId to = cache.create_sequence();
    while (cache.length(from) < 500) append(cache, from, 50);
    for (uint32_t p = 0; p < 500; ++p) *cache.k_row(0, from, Pos(p), 1) = static_cast<std::byte>(p);
    for (uint32_t p = 400; p < 500; ++p) {
      *cache.v_row(1, from, Pos(p), 1) = static_cast<std::byte>(p);
    }
    if (!cache.can_truncate(from, length)) continue;
    append(cache, to, 30);
    cache.copy_prefix(from, to, length);
    cache.truncate(from, length);
    EXPECT_EQ(cache.length(to), length);
    EXPECT_EQ(pages_of(cache, to), pages_of(cache, from));
    EXPECT_EQ(cache.extent(to).n_ring_pages_seen, cache.extent(from).n_ring_pages_seen);
  }
}

TEST(KvCache, RestoresWhatWasOnceLongerThanItsContext) {
  const KvShape shape{.layers = {kFull, kWindow}, .n_swa = 10};
  KvCache cache(shape, params(1000, 50));
  const SeqId id = cache.create_sequence();
  while (cache.length(id) < 400) append(cache, id, 50);
  cache.truncate(id, 330);
  KvCache shorter(shape, params(340, 50));
  ASSERT_EQ(shorter.layout().n_ring_pages(), cache.layout().n_ring_pages());
  const SeqId copy = shorter.create_sequence();
  ASSERT_GT(cache.extent(id).n_ring_pages_seen, 340u / kKvPagePositions + 1);
  shorter.restore(copy, cache.extent(id), pages_of(cache, id));
  EXPECT_EQ(shorter.length(copy), 330u);
}

TEST(KvCache, RestoresNothingThatDoesNotFit) {
  KvCache cache({.layers = {kFull, kWindow}, .n_swa = 100}, params(1000, 50));
  const SeqId id = cache.create_sequence();
  append(cache, id, 10);
  const auto pages = pages_of(cache, id);
  const auto refuse = [&](KvCache::Extent extent, std::span<const std::byte> bytes) {
    expect_error(ErrorCode::bad_input, {"KV cache"}, [&] { cache.restore(id, extent, bytes); });
    EXPECT_EQ(cache.length(id), 0u);
    EXPECT_EQ(cache.allocated_bytes(), 0u);
  };
  refuse({.length = 10, .n_ring_pages_seen = 1}, std::span(pages).first(pages.size() - 1));
  refuse({.length = 65, .n_ring_pages_seen = 2}, pages);
  refuse({.length = 10, .n_ring_pages_seen = 0}, pages);
  refuse({.length = 10, .n_ring_pages_seen = UINT32_MAX}, pages);
  refuse({.length = UINT32_MAX, .n_ring_pages_seen = UINT32_MAX}, pages);
  cache.restore(id, {.length = 10, .n_ring_pages_seen = 1}, pages);
  EXPECT_EQ(cache.length(id), 10u);
}

}  // namespace
}  // namespace wattle
