// SPDX-License-Identifier: Apache-2.0
// Grouped-query attention over the KV cache, between its projections.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "model/blocks/norm.h"
#include "model/blocks/projection.h"
#include "model/blocks/rope.h"
#include "model/mat_buffer.h"

namespace wattle {

// The attention of one layer.
struct AttentionShape {
  uint32_t n_head = 0;
  uint32_t n_head_kv = 0;  // divides n_head
  uint32_t head_dim_k = 0;
  uint32_t head_dim_v = 0;
  uint32_t n_swa = 0;        // 0: sees everything before it
  size_t kv_layer = 0;       // layer of the cache that it reads, and writes if it owns it
  float score_scale = 1.0f;  // of q * k
  // Set where the output matrix rounds its input: then the kernels for many rows may round, too.
  bool may_round = false;
  size_t n_q() const noexcept { return size_t{n_head} * head_dim_k; }
  size_t n_k() const noexcept { return size_t{n_head_kv} * head_dim_k; }
  size_t n_v() const noexcept { return size_t{n_head_kv} * head_dim_v; }
  size_t n_out() const noexcept { return size_t{n_head} * head_dim_v; }
};

struct AttentionWeights {
  AttentionShape shape;
  Projection qkv;  // rows of q, then k, then v; or, where the file has them apart:
  Projection q;
  Projection k;
  Projection v;  // absent: the values are the raw keys
  Projection output;
  std::optional<Norm> q_norm;  // of each head, where the architecture has them
  std::optional<Norm> k_norm;
  std::optional<Norm> v_norm;
};

// Rows [begin, end) of a step, neighbours of one sequence; many: of a run of many rows.
struct AttentionTile {
  uint32_t begin;
  uint32_t end;
  bool many;
};

struct AttentionBuffers {
  AttentionBuffers() = default;
  // Large enough for any of the layers.
  AttentionBuffers(size_t n_batch, size_t n_threads, std::span<const AttentionShape> layers);

  MatBuffer qkv;                     // [n_batch, n_q + n_k + n_v]
  MatBuffer out;                     // [n_batch, n_out]
  std::vector<AttentionTile> tiles;  // [n_batch], of a pass
  size_t thread_floats = 0;
  AlignedBuffer<float> thread_scratch;  // [n_threads, thread_floats]
};

// The branch from its normed input to its output matrix: the projections, the norms of each head
// where there are any, rope, the cache, and for each row softmax(score_scale * q K^T) V over the
// positions of its sequence up to its own; the last n_swa of them where there is a window. out
// [x.n_rows, n_embd], overwritten.
void self_attention(const Step& step, MatView<const float> x, const AttentionWeights& w,
                    const Rope& rope, AttentionBuffers& buffers, MatView<float> out) noexcept;

// The two parts of it, for layers where not all rows need the second, or that have no keys of their
// own: keys and values into the cache, and what is left with them there.
void store_keys(const Step& step, MatView<const float> x, const AttentionWeights& w,
                const Rope& rope, AttentionBuffers& buffers) noexcept;
void attend_stored(const Step& step, MatView<const float> x, const AttentionWeights& w,
                   const Rope& rope, AttentionBuffers& buffers, MatView<float> out) noexcept;

// How many of the `group` query heads that share a KV head one thread takes at once: all of them,
// which then use its pages while they are in the cache, or as few as it takes for each of n_threads
// to have two such units or more. n_shared: units if all are taken at once. group > 0.
size_t heads_per_unit(size_t group, size_t n_shared, size_t n_threads) noexcept;

}  // namespace wattle
