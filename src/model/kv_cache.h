// SPDX-License-Identifier: Apache-2.0
// Keys and values of the positions computed so far, for any number of sequences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "model/kv_layout.h"
#include "wattle/token.h"

namespace wattle {

// Owns all pages. A page is allocated when the first position in it is appended and freed with its
// sequence (or when it is truncated away). Not thread-safe, but rows of different positions or
// layers may be written from several threads while nothing is appended.
class KvCache {
 public:
  // Allocates nothing yet. Throws Error{usage} where the parameters do not fit the shape.
  KvCache(const KvShape& shape, const KvCacheParams& params);

  const KvLayout& layout() const noexcept { return layout_; }
  const KvCacheParams& params() const noexcept { return params_; }
  uint64_t allocated_bytes() const noexcept { return allocated_bytes_; }

  SeqId create_sequence();  // the lowest id that is free
  void free_sequence(SeqId id) noexcept;
  uint32_t length(SeqId id) const noexcept { return sequence(id).length; }

  // Whether the sequence can go back to `length` positions: always on full-attention layers, but a
  // ring must still hold the window that the next token will see. Going back to 0 always works.
  bool can_truncate(SeqId id, uint32_t length) const noexcept;
  // Requires can_truncate.
  void truncate(SeqId id, uint32_t length) noexcept;

  // Makes `to` what `from` would be after truncate(from, length). Requires can_truncate(from,
  // length). Throws Error{out_of_memory}; then `to` is empty.
  void copy_prefix(SeqId from, SeqId to, uint32_t length);

  // Makes room for the rows of a batch (model/batch.h) and counts them as present; the caller then
  // stores their keys and values layer by layer. Where it throws, nothing has changed: Error{usage}
  // for an unknown sequence, a position out of order or past n_ctx, or more than n_batch rows of
  // one sequence; Error{out_of_memory} with the numbers.
  void append(std::span<const SeqId> seq, std::span<const Pos> pos);

  // Rows of head h of layer il at positions [page * kKvPagePositions, ...), without gaps.
  const std::byte* k_page(size_t il, SeqId id, uint32_t page, uint32_t h) const noexcept {
    const KvLayout::Layer& layer = layout_.layer(il);
    return page_of(layer, id, page).data() + layer.k_offset +
           h * (kKvPagePositions * layer.k_row_bytes);
  }
  const std::byte* v_page(size_t il, SeqId id, uint32_t page, uint32_t h) const noexcept {
    const KvLayout::Layer& layer = layout_.layer(il);
    return page_of(layer, id, page).data() + layer.v_offset +
           h * (kKvPagePositions * layer.v_row_bytes);
  }

  // What tells, beside its pages, how far a sequence has come.
  struct Extent {
    uint32_t length = 0;
    uint32_t n_ring_pages_seen = 0;
  };
  Extent extent(SeqId id) const noexcept;
  // All pages a sequence holds, in the order in which restore() takes them.
  void for_each_page(SeqId id,
                     const std::function<void(std::span<const std::byte>)>& on_page) const;
  // Makes the sequence what those functions told of one, in a cache of the same layout. Throws
  // Error{bad_input} where extent and bytes do not fit this cache, Error{out_of_memory}; then the
  // sequence is empty.
  void restore(SeqId id, Extent extent, std::span<const std::byte> pages);

  // Where the key and the value of head h at that position are stored.
  std::byte* k_row(size_t il, SeqId id, Pos pos, uint32_t h) noexcept;
  std::byte* v_row(size_t il, SeqId id, Pos pos, uint32_t h) noexcept;

 private:
  using Page = AlignedBuffer<std::byte>;

  struct Sequence {
    bool used = false;
    uint32_t length = 0;
    uint32_t n_pending = 0;    // rows of the batch that append() is checking
    uint32_t n_ring_seen = 0;  // ring pages [n_ring_seen - n_ring_pages, n_ring_seen) are held
    std::vector<Page> full;
    std::vector<Page> ring;
  };

  const Sequence& sequence(SeqId id) const noexcept { return sequences_[to_int(id)]; }
  const Page& page_of(const KvLayout::Layer& layer, SeqId id, uint32_t page) const noexcept {
    const Sequence& s = sequence(id);
    return layer.swa ? s.ring[page % layout_.n_ring_pages()] : s.full[page];
  }
  std::byte* row(const KvLayout::Layer& layer, SeqId id, Pos pos, size_t offset, uint32_t h,
                 size_t row_size) noexcept;
  void restore_pages(Sequence& s, Extent extent, std::span<const std::byte> pages);
  void check_rows(std::span<const SeqId> seq, std::span<const Pos> pos);
  void grow(Sequence& s, uint32_t length);
  Page new_page(size_t size_bytes);
  void release(Page& page) noexcept;

  KvCacheParams params_;
  KvLayout layout_;
  std::vector<Sequence> sequences_;
  uint64_t allocated_bytes_ = 0;
};

}  // namespace wattle
