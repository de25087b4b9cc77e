// SPDX-License-Identifier: Apache-2.0
#include "model/kv_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "quant/blocks.h"
#include "wattle/error.h"

namespace wattle {
namespace {

using kernels::KvType;

constexpr uint32_t pages_of(uint64_t n_positions) noexcept {
  return static_cast<uint32_t>((n_positions + kKvPagePositions - 1) / kKvPagePositions);
}

// Pages that n consecutive positions touch at most, wherever they begin.
constexpr uint32_t pages_touched_by(uint64_t n_positions) noexcept {
  return static_cast<uint32_t>((n_positions + kKvPagePositions - 2) / kKvPagePositions + 1);
}

uint64_t saturating_mul(uint64_t a, uint64_t b) noexcept {
  uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

void check_row(KvType type, uint32_t head_dim, const char* what) {
  if (type == KvType::q8_0 && head_dim % quant::kBlockElems != 0) {
    throw Error(ErrorCode::usage,
                fmt::format("KV cache: {} of type q8_0, but a head has {} elements, expected a "
                            "multiple of {}",
                            what, head_dim, quant::kBlockElems),
                "use f16 for this model");
  }
}

}  // namespace

size_t kv_row_bytes(KvType type, size_t n) noexcept {
  switch (type) {
    case KvType::f32: return n * sizeof(float);
    case KvType::f16: return n * sizeof(uint16_t);
    case KvType::q8_0: return n / quant::kBlockElems * sizeof(quant::BlockQ8_0);
  }
  return 0;
}

KvLayout::KvLayout(const KvShape& shape, const KvCacheParams& params) : n_swa_(shape.n_swa) {
  if (params.n_ctx == 0 || params.n_ctx > std::numeric_limits<int32_t>::max()) {
    throw Error(ErrorCode::usage, fmt::format("KV cache: context of {} positions, expected 1 to {}",
                                              params.n_ctx, std::numeric_limits<int32_t>::max()));
  }
  if (params.n_batch == 0) {
    throw Error(ErrorCode::usage, "KV cache: batch of 0 rows, expected at least 1");
  }
  for (const KvLayerShape& in : shape.layers) {
    check_row(params.k, in.head_dim_k, "keys");
    check_row(params.v, in.head_dim_v, "values");
    size_t& page_bytes = in.swa ? ring_page_bytes_ : full_page_bytes_;
    Layer layer{.swa = in.swa,
                .n_head_kv = in.n_head_kv,
                .k_row_bytes = kv_row_bytes(params.k, in.head_dim_k),
                .v_row_bytes = kv_row_bytes(params.v, in.head_dim_v)};
    const size_t rows = size_t{in.n_head_kv} * kKvPagePositions;
    layer.k_offset = page_bytes;
    layer.v_offset = layer.k_offset + rows * layer.k_row_bytes;
    page_bytes = layer.v_offset + rows * layer.v_row_bytes;
    layers_.push_back(layer);
  }
  // The window of the first row of a batch and all rows of the batch are there at the same time.
  n_ring_pages_ =
      std::min(pages_of(params.n_ctx), pages_touched_by(uint64_t{shape.n_swa} + params.n_batch));
}

uint64_t KvLayout::sequence_bytes(uint32_t n_positions) const noexcept {
  const uint32_t n_pages = pages_of(n_positions);
  const uint64_t full = saturating_mul(n_pages, full_page_bytes_);
  const uint64_t ring = saturating_mul(std::min(n_pages, n_ring_pages_), ring_page_bytes_);
  return full > UINT64_MAX - ring ? UINT64_MAX : full + ring;
}

}  // namespace wattle
