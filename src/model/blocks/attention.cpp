// SPDX-License-Identifier: Apache-2.0
#include "model/blocks/attention.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/parallel_rows.h"

namespace wattle {
namespace {

// Query rows of one tile: enough that a page of keys is used often while it is in the cache, few
// enough that the tile's own rows stay there too.
constexpr size_t kTileQueries = 32;

// Below this the calling thread is done before another one would have noticed the job.
constexpr size_t kMinParallelMacs = 32 * 1024;

size_t group_of(const AttentionShape& shape) noexcept { return shape.n_head / shape.n_head_kv; }

size_t max_queries(const AttentionShape& shape) noexcept {
  return std::max(kTileQueries, group_of(shape));
}

size_t padded(size_t n_floats) noexcept {
  constexpr size_t kLine = kCacheLine / sizeof(float);
  return (n_floats + kLine - 1) / kLine * kLine;
}

// What one thread needs for a tile, cut from its part of AttentionBuffers::thread_scratch.
struct TileScratch {
  float* q;  // [n_q, head_dim_k], scaled
  float* out;
  float* max;
  float* sum;
  uint32_t* first;
  uint32_t* last;
  float* kernel;

  static size_t n_floats(const AttentionShape& shape) noexcept {
    const size_t n_q = max_queries(shape);
    return padded(n_q * shape.head_dim_k) + padded(n_q * shape.head_dim_v) + 4 * padded(n_q) +
           padded(kernels::attention_scratch_floats(n_q, kKvPagePositions, shape.head_dim_k,
                                                    shape.head_dim_v));
  }

  TileScratch(const AttentionShape& shape, float* memory) noexcept {
    const size_t n_q = max_queries(shape);
    const auto take = [&memory](size_t n) { return std::exchange(memory, memory + padded(n)); };
    q = take(n_q * shape.head_dim_k);
    out = take(n_q * shape.head_dim_v);
    max = take(n_q);
    sum = take(n_q);
    first = reinterpret_cast<uint32_t*>(take(n_q));
    last = reinterpret_cast<uint32_t*>(take(n_q));
    kernel = memory;
  }
};

// Rows [first_row, last_row), consecutive positions of one sequence, with n_heads query heads from
// first_head on, which share one KV head.
struct Unit {
  size_t first_row;
  size_t last_row;
  size_t head_kv;
  size_t first_head;
  size_t n_heads;
};

uint32_t first_visible(const AttentionShape& shape, uint32_t pos) noexcept {
  return shape.n_swa != 0 && pos >= shape.n_swa ? pos - shape.n_swa + 1 : 0;
}

void attend_unit(const Step& step, const AttentionShape& shape, MatView<const float> q,
                 const Unit& unit, const TileScratch& s, MatView<float> out) noexcept {
  const KvCache& cache = step.cache;
  const auto attention =
      step.kernels()
          .attention[static_cast<size_t>(cache.params().k)][static_cast<size_t>(cache.params().v)];
  const size_t dim_k = shape.head_dim_k;
  const size_t dim_v = shape.head_dim_v;
  const size_t n_q = (unit.last_row - unit.first_row) * unit.n_heads;
  const auto pos_of = [&](size_t row) { return static_cast<uint32_t>(to_int(step.pos[row])); };

  for (size_t i = 0; i < n_q; ++i) {
    const size_t head = unit.first_head + i % unit.n_heads;
    step.kernels().scale(q.row(unit.first_row + i / unit.n_heads) + head * dim_k, shape.score_scale,
                         s.q + i * dim_k, dim_k);
  }
  std::fill_n(s.max, n_q, -std::numeric_limits<float>::infinity());
  std::fill_n(s.sum, n_q, 0.0f);
  std::fill_n(s.out, n_q * dim_v, 0.0f);

  const uint32_t end = pos_of(unit.last_row - 1) + 1;
  const uint32_t begin = first_visible(shape, pos_of(unit.first_row));
  for (uint32_t page = begin / kKvPagePositions; page * kKvPagePositions < end; ++page) {
    const uint32_t base = page * kKvPagePositions;
    const uint32_t n_kv = std::min(kKvPagePositions, end - base);
    for (size_t i = 0; i < n_q; ++i) {
      const uint32_t pos = pos_of(unit.first_row + i / unit.n_heads);
      const uint32_t from = std::max(first_visible(shape, pos), base) - base;
      s.last[i] = pos < base ? 0 : std::min(pos - base + 1, n_kv);
      s.first[i] = std::min(from, s.last[i]);
    }
    attention({.q = s.q,
               .q_stride = dim_k,
               .n_q = n_q,
               .head_dim_k = dim_k,
               .head_dim_v = dim_v,
               .k = cache.k_page(shape.kv_layer, step.seq[unit.first_row], page,
                                 static_cast<uint32_t>(unit.head_kv)),
               .v = cache.v_page(shape.kv_layer, step.seq[unit.first_row], page,
                                 static_cast<uint32_t>(unit.head_kv)),
               .n_kv = n_kv,
               .first = s.first,
               .last = s.last,
               .max = s.max,
               .sum = s.sum,
               .out = s.out,
               .out_stride = dim_v,
               .scratch = s.kernel});
  }
  for (size_t i = 0; i < n_q; ++i) {
    const size_t head = unit.first_head + i % unit.n_heads;
    step.kernels().scale(s.out + i * dim_v, 1.0f / s.sum[i],
                         out.row(unit.first_row + i / unit.n_heads) + head * dim_v, dim_v);
  }
}

// Cuts the rows of the step where the sequence changes and after tile_rows rows. Returns the number
// of tiles; tile t is [tile_begin[t], tile_begin[t + 1]).
size_t cut_tiles(const Step& step, size_t tile_rows, std::vector<uint32_t>& tile_begin) noexcept {
  size_t n_tiles = 0;
  for (size_t row = 0; row < step.n_rows(); ++row) {
    const bool goes_on =
        row != 0 && step.seq[row] == step.seq[row - 1] && row - tile_begin[n_tiles - 1] < tile_rows;
    if (!goes_on) tile_begin[n_tiles++] = static_cast<uint32_t>(row);
  }
  tile_begin[n_tiles] = static_cast<uint32_t>(step.n_rows());
  return n_tiles;
}

size_t count_macs(const Step& step, const AttentionShape& shape) noexcept {
  size_t n_visible = 0;
  for (const Pos pos : step.pos) {
    const auto p = static_cast<uint32_t>(to_int(pos));
    n_visible += p + 1 - first_visible(shape, p);
  }
  return n_visible * shape.n_head * (shape.head_dim_k + shape.head_dim_v);
}

}  // namespace

AttentionBuffers::AttentionBuffers(size_t n_batch, size_t n_threads,
                                   std::span<const AttentionShape> layers)
    : tile_begin(n_batch + 1) {
  size_t n_qkv = 0;
  size_t n_out = 0;
  for (const AttentionShape& shape : layers) {
    n_qkv = std::max(n_qkv, shape.n_q() + shape.n_k() + shape.n_v());
    n_out = std::max(n_out, shape.n_out());
    thread_floats = std::max(thread_floats, TileScratch::n_floats(shape));
  }
  qkv = MatBuffer(n_batch, n_qkv);
  out = MatBuffer(n_batch, n_out);
  thread_scratch = AlignedBuffer<float>(n_threads * thread_floats);
}

Qkv project_qkv(const Step& step, MatView<const float> x, const AttentionWeights& w,
                AttentionBuffers& buffers) noexcept {
  const size_t n_q = w.shape.n_q();
  const size_t n_k = w.shape.n_k();
  const size_t n_v = w.shape.n_v();
  const MatView<float> all = buffers.qkv.view(x.n_rows, n_q + n_k + n_v);
  const Qkv qkv{all.cols(0, n_q), all.cols(n_q, n_k), all.cols(n_q + n_k, n_v)};
  if (w.qkv) {
    project(step, x, {{w.qkv, all}});
  } else if (w.v) {
    project(step, x, {{w.q, qkv.q}, {w.k, qkv.k}, {w.v, qkv.v}});
  } else {
    project(step, x, {{w.q, qkv.q}, {w.k, qkv.k}});
    for (size_t r = 0; r < x.n_rows; ++r) std::copy_n(qkv.k.row(r), n_k, qkv.v.row(r));
  }
  return qkv;
}

MatView<float> project_q(const Step& step, MatView<const float> x, const AttentionWeights& w,
                         AttentionBuffers& buffers) noexcept {
  if (w.qkv) return project_qkv(step, x, w, buffers).q;
  const MatView<float> q = buffers.qkv.view(x.n_rows, w.shape.n_q());
  project(step, x, {{w.q, q}});
  return q;
}

void store_kv(const Step& step, const AttentionShape& shape, MatView<const float> k,
              MatView<const float> v) noexcept {
  KvCache& cache = step.cache;
  const auto store_k = step.kernels().kv_store[static_cast<size_t>(cache.params().k)];
  const auto store_v = step.kernels().kv_store[static_cast<size_t>(cache.params().v)];
  parallel_rows(step.context.pool, k.n_rows, k.n_cols + v.n_cols,
                [&](size_t begin, size_t end, size_t) {
                  for (size_t r = begin; r < end; ++r) {
                    for (uint32_t h = 0; h < shape.n_head_kv; ++h) {
                      store_k(k.row(r) + h * shape.head_dim_k, shape.head_dim_k,
                              cache.k_row(shape.kv_layer, step.seq[r], step.pos[r], h));
                      store_v(v.row(r) + h * shape.head_dim_v, shape.head_dim_v,
                              cache.v_row(shape.kv_layer, step.seq[r], step.pos[r], h));
                    }
                  }
                });
}

MatView<float> attend(const Step& step, const AttentionShape& shape, MatView<const float> q,
                      AttentionBuffers& buffers) noexcept {
  const MatView<float> out = buffers.out.view(q.n_rows, shape.n_out());
  const size_t group = group_of(shape);
  const size_t n_tiles =
      cut_tiles(step, std::max<size_t>(1, kTileQueries / group), buffers.tile_begin);

  // A single decoded row may have fewer KV heads than there are threads: then the query heads that
  // share one are given to several threads, which read its page from the shared cache.
  ThreadPool& pool = step.context.pool;
  size_t part = group;
  while (part > 1 && n_tiles * shape.n_head_kv * (group / part) < 2 * pool.size()) {
    part = (part + 1) / 2;
  }
  const size_t n_parts = (group + part - 1) / part;
  const size_t units_per_tile = shape.n_head_kv * n_parts;

  const auto run_unit = [&](size_t unit, size_t thread) {
    const size_t tile = unit / units_per_tile;
    const size_t head_kv = unit % units_per_tile / n_parts;
    const size_t first = unit % n_parts * part;
    attend_unit(step, shape, q,
                {.first_row = buffers.tile_begin[tile],
                 .last_row = buffers.tile_begin[tile + 1],
                 .head_kv = head_kv,
                 .first_head = head_kv * group + first,
                 .n_heads = std::min(part, group - first)},
                TileScratch(shape, buffers.thread_scratch.data() + thread * buffers.thread_floats),
                out);
  };
  const size_t n_units = n_tiles * units_per_tile;
  if (count_macs(step, shape) < kMinParallelMacs) {
    for (size_t unit = 0; unit < n_units; ++unit) run_unit(unit, 0);
  } else {
    pool.parallel_for(n_units, run_unit);
  }
  return out;
}

void self_attention(const Step& step, MatView<const float> x, const AttentionWeights& w, Rope& rope,
                    AttentionBuffers& buffers, MatView<float> out) noexcept {
  const auto [q, k, v] = project_qkv(step, x, w, buffers);
  if (w.q_norm) rms_norm_heads(step, q, w.shape.head_dim_k, *w.q_norm);
  if (w.k_norm) rms_norm_heads(step, k, w.shape.head_dim_k, *w.k_norm);
  rope.rotate(step, q, w.shape.head_dim_k);
  rope.rotate(step, k, w.shape.head_dim_k);
  store_kv(step, w.shape, k, v);
  project(step, attend(step, w.shape, q, buffers), {{w.output, out}});
}

}  // namespace wattle
