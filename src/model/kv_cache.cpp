// SPDX-License-Identifier: Apache-2.0
#include "model/kv_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "base/assert.h"
#include "wattle/error.h"

namespace wattle {
namespace {

constexpr uint32_t page_index(uint32_t pos) noexcept { return pos / kKvPagePositions; }

constexpr double kMiB = 1024.0 * 1024.0;

[[noreturn]] void throw_usage(SeqId id, const std::string& what) {
  throw Error(ErrorCode::usage, fmt::format("sequence {}: {}", to_int(id), what));
}

}  // namespace

KvCache::KvCache(const KvShape& shape, const KvCacheParams& params)
    : params_(params), layout_(shape, params) {}

SeqId KvCache::create_sequence() {
  size_t i = 0;
  while (i < sequences_.size() && sequences_[i].used) ++i;
  if (i == sequences_.size()) sequences_.emplace_back();
  Sequence& s = sequences_[i];
  s.ring.resize(layout_.n_ring_pages());
  s.used = true;
  return static_cast<SeqId>(i);
}

void KvCache::free_sequence(SeqId id) noexcept {
  truncate(id, 0);
  sequences_[to_int(id)].used = false;
}

bool KvCache::can_truncate(SeqId id, uint32_t length) const noexcept {
  const Sequence& s = sequence(id);
  if (length > s.length) return false;
  if (length == 0 || layout_.ring_page_bytes() == 0) return true;
  if (s.n_ring_seen <= layout_.n_ring_pages()) return true;
  const uint64_t first_held = uint64_t{s.n_ring_seen - layout_.n_ring_pages()} * kKvPagePositions;
  // The next token, at position `length`, sees [length + 1 - n_swa, length].
  return uint64_t{length} + 1 >= first_held + layout_.n_swa();
}

void KvCache::truncate(SeqId id, uint32_t length) noexcept {
  WATTLE_ASSERT(can_truncate(id, length));
  Sequence& s = sequences_[to_int(id)];
  s.length = length;
  const size_t n_pages = (size_t{length} + kKvPagePositions - 1) / kKvPagePositions;
  while (s.full.size() > n_pages) {
    release(s.full.back());
    s.full.pop_back();
  }
  if (length != 0) return;
  for (Page& page : s.ring) release(page);
  s.n_ring_seen = 0;
}

void KvCache::copy_prefix(SeqId from, SeqId to, uint32_t length) {
  WATTLE_ASSERT(from != to && can_truncate(from, length));
  truncate(to, 0);
  if (length == 0) return;
  const Sequence& source = sequences_[to_int(from)];
  Sequence& copy = sequences_[to_int(to)];
  try {
    for (uint32_t i = 0; i <= page_index(length - 1) && i < source.full.size(); ++i) {
      copy.full.push_back(new_page(layout_.full_page_bytes()));
      std::copy_n(source.full[i].data(), source.full[i].size(), copy.full[i].data());
    }
    for (size_t i = 0; i < source.ring.size(); ++i) {
      if (source.ring[i].size() == 0) continue;
      copy.ring[i] = new_page(layout_.ring_page_bytes());
      std::copy_n(source.ring[i].data(), source.ring[i].size(), copy.ring[i].data());
    }
  } catch (...) {
    truncate(to, 0);
    throw;
  }
  copy.length = length;
  copy.n_ring_seen = source.n_ring_seen;
}

void KvCache::append(std::span<const SeqId> seq, std::span<const Pos> pos) {
  check_rows(seq, pos);
  for (const SeqId id : seq) {
    Sequence& s = sequences_[to_int(id)];
    if (s.n_pending != 0) grow(s, s.length + s.n_pending);
  }
  for (const SeqId id : seq) {
    Sequence& s = sequences_[to_int(id)];
    if (s.n_pending == 0) continue;
    s.length += s.n_pending;
    s.n_pending = 0;
    s.n_ring_seen = std::max(s.n_ring_seen, page_index(s.length - 1) + 1);
  }
}

void KvCache::check_rows(std::span<const SeqId> seq, std::span<const Pos> pos) {
  for (const SeqId id : seq) {
    if (to_int(id) < 0 || static_cast<size_t>(to_int(id)) >= sequences_.size() ||
        !sequence(id).used) {
      throw_usage(id, "not a sequence of this cache");
    }
    sequences_[to_int(id)].n_pending = 0;  // what a batch that failed may have left
  }
  for (size_t i = 0; i < seq.size(); ++i) {
    Sequence& s = sequences_[to_int(seq[i])];
    const uint64_t expected = uint64_t{s.length} + s.n_pending;
    if (to_int(pos[i]) < 0 || static_cast<uint64_t>(to_int(pos[i])) != expected) {
      throw_usage(seq[i],
                  fmt::format("row {} has position {}, expected {}", i, to_int(pos[i]), expected));
    }
    if (expected >= params_.n_ctx) {
      throw Error(ErrorCode::usage,
                  fmt::format("sequence {}: position {} is past the context of {}", to_int(seq[i]),
                              expected, params_.n_ctx),
                  "open the model with a larger context (-c)");
    }
    if (++s.n_pending > params_.n_batch) {
      throw_usage(seq[i], fmt::format("more than {} rows in one batch", params_.n_batch));
    }
  }
}

void KvCache::grow(Sequence& s, uint32_t length) {
  const uint32_t n_pages = page_index(length - 1) + 1;
  if (layout_.full_page_bytes() != 0) {
    while (s.full.size() < n_pages) s.full.push_back(new_page(layout_.full_page_bytes()));
  }
  if (layout_.ring_page_bytes() == 0) return;
  for (uint32_t page = page_index(s.length); page < n_pages; ++page) {
    Page& slot = s.ring[page % layout_.n_ring_pages()];
    if (slot.size() == 0) slot = new_page(layout_.ring_page_bytes());
  }
}

KvCache::Extent KvCache::extent(SeqId id) const noexcept {
  return {.length = sequence(id).length, .n_ring_pages_seen = sequence(id).n_ring_seen};
}

void KvCache::for_each_page(SeqId id,
                            const std::function<void(std::span<const std::byte>)>& on_page) const {
  const Sequence& s = sequence(id);
  for (const Page& page : s.full) on_page(page.span());
  for (const Page& page : s.ring) {
    if (page.size() != 0) on_page(page.span());
  }
}

void KvCache::restore(SeqId id, Extent extent, std::span<const std::byte> pages) {
  truncate(id, 0);
  Sequence& s = sequences_[to_int(id)];
  try {
    restore_pages(s, extent, pages);
  } catch (...) {
    truncate(id, 0);
    throw;
  }
}

void KvCache::restore_pages(Sequence& s, Extent extent, std::span<const std::byte> pages) {
  const uint32_t n_pages = extent.length == 0 ? 0 : page_index(extent.length - 1) + 1;
  const uint32_t n_full = layout_.full_page_bytes() == 0 ? 0 : n_pages;
  const uint32_t n_ring = layout_.ring_page_bytes() == 0
                              ? 0
                              : std::min(extent.n_ring_pages_seen, layout_.n_ring_pages());
  // It was at least once as long as it is. It may have been longer than this context.
  const bool possible = extent.length <= params_.n_ctx && extent.n_ring_pages_seen >= n_pages;
  const uint64_t expected =
      uint64_t{n_full} * layout_.full_page_bytes() + uint64_t{n_ring} * layout_.ring_page_bytes();
  if (!possible || pages.size() != expected) {
    throw Error(ErrorCode::bad_input,
                fmt::format("KV cache: {} bytes for {} positions and {} ring pages, expected {}",
                            pages.size(), extent.length, extent.n_ring_pages_seen, expected));
  }
  const auto take = [&](Page& page) {
    std::copy_n(pages.begin(), page.size(), page.data());
    pages = pages.subspan(page.size());
  };
  for (uint32_t i = 0; i < n_full; ++i) {
    s.full.push_back(new_page(layout_.full_page_bytes()));
    take(s.full.back());
  }
  for (uint32_t i = 0; i < n_ring; ++i) {
    s.ring[i] = new_page(layout_.ring_page_bytes());
    take(s.ring[i]);
  }
  s.length = extent.length;
  s.n_ring_seen = extent.n_ring_pages_seen;
}

std::byte* KvCache::row(const KvLayout::Layer& layer, SeqId id, Pos pos, size_t offset, uint32_t h,
                        size_t row_size) noexcept {
  const auto p = static_cast<uint32_t>(to_int(pos));
  Sequence& s = sequences_[to_int(id)];
  Page& page = layer.swa ? s.ring[page_index(p) % layout_.n_ring_pages()] : s.full[page_index(p)];
  return page.data() + offset + (h * kKvPagePositions + p % kKvPagePositions) * row_size;
}

std::byte* KvCache::k_row(size_t il, SeqId id, Pos pos, uint32_t h) noexcept {
  const KvLayout::Layer& layer = layout_.layer(il);
  return row(layer, id, pos, layer.k_offset, h, layer.k_row_bytes);
}

std::byte* KvCache::v_row(size_t il, SeqId id, Pos pos, uint32_t h) noexcept {
  const KvLayout::Layer& layer = layout_.layer(il);
  return row(layer, id, pos, layer.v_offset, h, layer.v_row_bytes);
}

KvCache::Page KvCache::new_page(size_t size_bytes) {
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorCode::out_of_memory,
                fmt::format("KV cache: {:.1f} MiB more for {} positions, {:.1f} MiB in use: {}",
                            static_cast<double>(size_bytes) / kMiB, kKvPagePositions,
                            static_cast<double>(allocated_bytes_) / kMiB, why),
                "use a smaller context (-c) or a smaller cache type (q8_0)");
  };
  if (size_bytes > params_.max_bytes || allocated_bytes_ > params_.max_bytes - size_bytes) {
    fail(fmt::format("the limit is {:.1f} MiB", static_cast<double>(params_.max_bytes) / kMiB));
  }
  try {
    Page page(size_bytes);
    allocated_bytes_ += size_bytes;
    return page;
  } catch (const std::bad_alloc&) {
    fail("the system has no more");
    throw;
  }
}

void KvCache::release(Page& page) noexcept {
  allocated_bytes_ -= page.size();
  page = Page();
}

}  // namespace wattle
