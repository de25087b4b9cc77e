// SPDX-License-Identifier: Apache-2.0
// How the keys and values of one sequence lie in memory, and how much memory that is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/attention.h"

namespace wattle {

// Positions of one page. Pages are cut at absolute positions, so a row's attention always runs over
// the same pieces in the same order, whatever else is computed with it. 64 keys of 128 halves are
// 16 KiB: keys and values of a page stay in a first-level cache while the query rows pass over it.
inline constexpr uint32_t kKvPagePositions = 64;

// What one layer that owns keys and values stores per position.
struct KvLayerShape {
  uint32_t n_head_kv = 0;
  uint32_t head_dim_k = 0;
  uint32_t head_dim_v = 0;
  bool swa = false;  // sees only the last KvShape::n_swa positions, the token itself included
};

struct KvShape {
  std::vector<KvLayerShape> layers = {};
  uint32_t n_swa = 0;
};

struct KvCacheParams {
  kernels::KvType k = kernels::KvType::f16;
  kernels::KvType v = kernels::KvType::f16;
  uint32_t n_ctx = 0;               // positions a sequence can hold
  uint32_t n_batch = 0;             // rows of one sequence in one step, at most
  uint64_t max_bytes = UINT64_MAX;  // of all sequences together
};

// Bytes of n elements; n % 32 == 0 for q8_0.
size_t kv_row_bytes(kernels::KvType type, size_t n) noexcept;

// A sequence has two lists of pages. A full page holds kKvPagePositions positions of every
// full-attention layer and stays; a ring page holds them for every sliding-window layer and is used
// again for page + n_ring_pages. Inside a page: for each layer K
// [n_head_kv][positions][head_dim_k], then V [n_head_kv][positions][head_dim_v].
class KvLayout {
 public:
  struct Layer {
    bool swa = false;
    uint32_t n_head_kv = 0;
    size_t k_row_bytes = 0;
    size_t v_row_bytes = 0;
    size_t k_offset = 0;  // within the page
    size_t v_offset = 0;
  };

  // Throws Error{usage} where the parameters do not fit the shape.
  KvLayout(const KvShape& shape, const KvCacheParams& params);

  size_t n_layers() const noexcept { return layers_.size(); }
  const Layer& layer(size_t il) const noexcept { return layers_[il]; }
  size_t full_page_bytes() const noexcept { return full_page_bytes_; }
  size_t ring_page_bytes() const noexcept { return ring_page_bytes_; }
  uint32_t n_ring_pages() const noexcept { return n_ring_pages_; }
  uint32_t n_swa() const noexcept { return n_swa_; }

  // Memory of one sequence of that many positions; UINT64_MAX where it cannot be counted.
  uint64_t sequence_bytes(uint32_t n_positions) const noexcept;

 private:
  std::vector<Layer> layers_;
  size_t full_page_bytes_ = 0;
  size_t ring_page_bytes_ = 0;
  uint32_t n_ring_pages_ = 0;
  uint32_t n_swa_ = 0;
};

}  // namespace wattle
