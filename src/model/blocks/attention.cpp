// SPDX-License-Identifier: Apache-2.0
#include "model/blocks/attention.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/parallel_rows.h"

namespace wattle {
namespace {

// Query rows of one tile: enough that a page of keys is used often while it is in the cache, few
// enough that the tile's own rows stay there too. With this many of a sequence and more the kernels
// for many rows are the faster ones; they want larger tiles, as they prepare each page anew.
constexpr size_t kTileQueries = 32;
constexpr size_t kTileManyQueries = 128;

// Pages of one call of a kernel, at most.
constexpr size_t kRunPages = 64;
constexpr size_t kRunPositions = kRunPages * kKvPagePositions;
static_assert(kKvPagePositions == kernels::kAttentionPage);

size_t ceil_div(size_t a, size_t b) noexcept { return (a + b - 1) / b; }

size_t group_of(const AttentionShape& shape) noexcept { return shape.n_head / shape.n_head_kv; }

size_t max_queries(const AttentionShape& shape) noexcept {
  return std::max(kTileManyQueries, group_of(shape));
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
           padded(kernels::attention_scratch_floats(n_q, kRunPositions, shape.head_dim_k,
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
  bool many;  // of a run of many rows
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
  const auto& by_type = unit.many ? step.kernels().attention_many : step.kernels().attention;
  const kernels::AttentionFn attention = by_type.of(cache.params().k, cache.params().v);
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
  uint32_t base = begin / kKvPagePositions * kKvPagePositions;
  for (; base < end; base += kRunPositions) {
    const uint32_t n_kv = std::min<uint32_t>(kRunPositions, end - base);
    std::array<const std::byte*, kRunPages> k;
    std::array<const std::byte*, kRunPages> v;
    for (uint32_t i = 0; i * kKvPagePositions < n_kv; ++i) {
      const uint32_t page = base / kKvPagePositions + i;
      const auto head = static_cast<uint32_t>(unit.head_kv);
      k[i] = cache.k_page(shape.kv_layer, step.seq[unit.first_row], page, head);
      v[i] = cache.v_page(shape.kv_layer, step.seq[unit.first_row], page, head);
    }
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
               .k = k.data(),
               .v = v.data(),
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

// Cuts the rows of the step where the sequence changes, and these runs of rows into tiles. Returns
// the number of tiles. Which kernel a run gets depends on the layer and its length alone.
size_t cut_tiles(const Step& step, const AttentionShape& shape,
                 std::span<AttentionTile> tiles) noexcept {
  const size_t group = group_of(shape);
  size_t n_tiles = 0;
  size_t begin = 0;
  while (begin < step.n_rows()) {
    size_t end = begin + 1;
    while (end < step.n_rows() && step.seq[end] == step.seq[begin]) ++end;
    const bool many = shape.may_round && (end - begin) * group >= kTileQueries;
    const size_t n_queries = many ? kTileManyQueries : kTileQueries;
    const size_t tile_rows = std::max<size_t>(1, n_queries / group);
    for (; begin < end; begin += tile_rows) {
      tiles[n_tiles++] = {.begin = static_cast<uint32_t>(begin),
                          .end = static_cast<uint32_t>(std::min(end, begin + tile_rows)),
                          .many = many};
    }
    begin = end;
  }
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

// Of each row over what it sees. Returns a view of buffers.out.
MatView<float> attend(const Step& step, const AttentionShape& shape, MatView<const float> q,
                      AttentionBuffers& buffers) noexcept {
  const MatView<float> out = buffers.out.view(q.n_rows, shape.n_out());
  const size_t group = group_of(shape);
  const size_t n_tiles = cut_tiles(step, shape, buffers.tiles);

  // A single decoded row may have fewer KV heads than there are threads: then the query heads that
  // share one are given to several threads, which read its page from the shared cache.
  ThreadPool& pool = step.context.pool;
  const size_t part = heads_per_unit(group, n_tiles * shape.n_head_kv, pool.size());
  const size_t n_parts = ceil_div(group, part);
  const size_t units_per_tile = shape.n_head_kv * n_parts;

  const auto run_unit = [&](size_t unit, size_t thread) {
    // Of a prompt the last tile sees most: first, so that nobody is left alone with it at the end.
    const AttentionTile& tile = buffers.tiles[n_tiles - 1 - unit / units_per_tile];
    const size_t head_kv = unit % units_per_tile / n_parts;
    const size_t first = unit % n_parts * part;
    attend_unit(step, shape, q,
                {.many = tile.many,
                 .first_row = tile.begin,
                 .last_row = tile.end,
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

// Columns of AttentionBuffers::qkv: q [n_rows, n_q], k [n_rows, n_k], v [n_rows, n_v].
struct Qkv {
  MatView<float> q;
  MatView<float> k;
  MatView<float> v;
};

// What is computed of a layer in one go.
struct Parts {
  bool q;
  bool kv;
};

// The projections of x, raw. Not v where the values are the keys.
Qkv project_qkv(const Step& step, MatView<const float> x, const AttentionWeights& w, Parts parts,
                AttentionBuffers& buffers) noexcept {
  const size_t n_q = w.shape.n_q();
  const size_t n_k = w.shape.n_k();
  const size_t n_v = w.shape.n_v();
  const MatView<float> all = buffers.qkv.view(x.n_rows, n_q + n_k + n_v);
  const Qkv qkv{all.cols(0, n_q), all.cols(n_q, n_k), all.cols(n_q + n_k, n_v)};
  if (w.qkv) {
    project(step, x, {{w.qkv, all}});
  } else if (!parts.kv) {
    project(step, x, {{w.q, qkv.q}});
  } else if (!parts.q) {
    if (w.v) {
      project(step, x, {{w.k, qkv.k}, {w.v, qkv.v}});
    } else {
      project(step, x, {{w.k, qkv.k}});
    }
  } else if (w.v) {
    project(step, x, {{w.q, qkv.q}, {w.k, qkv.k}, {w.v, qkv.v}});
  } else {
    project(step, x, {{w.q, qkv.q}, {w.k, qkv.k}});
  }
  return qkv;
}

// From the projections of a row to what attention reads: values, norms of the heads, rope; k and v
// go to the cache, at the positions of the step. A row goes through all of it while it is in the
// first-level cache.
void finish_heads(const Step& step, const AttentionWeights& w, Parts parts, const Rope& rope,
                  const Qkv& qkv) noexcept {
  const kernels::KernelTable& kernels = step.kernels();
  const AttentionShape& shape = w.shape;
  KvCache& cache = step.cache;
  const auto store_k = kernels.kv_store[static_cast<size_t>(cache.params().k)];
  const auto store_v = kernels.kv_store[static_cast<size_t>(cache.params().v)];
  const auto finish = [&](size_t r, std::span<float> row, size_t head_dim,
                          const std::optional<Norm>& norm) {
    if (norm) rms_norm_heads(kernels, row, head_dim, *norm);
    rope.rotate(kernels, r, row, head_dim);
  };
  const auto keys_and_values = [&](size_t r) {
    const std::span<float> k = qkv.k.row_span(r);
    const std::span<float> v = qkv.v.row_span(r);
    if (!w.qkv && !w.v) std::ranges::copy(k, v.begin());
    finish(r, k, shape.head_dim_k, w.k_norm);
    if (w.v_norm) rms_norm_heads(kernels, v, shape.head_dim_v, *w.v_norm);
    for (uint32_t h = 0; h < shape.n_head_kv; ++h) {
      store_k(&k[h * shape.head_dim_k], shape.head_dim_k,
              cache.k_row(shape.kv_layer, step.seq[r], step.pos[r], h));
      store_v(&v[h * shape.head_dim_v], shape.head_dim_v,
              cache.v_row(shape.kv_layer, step.seq[r], step.pos[r], h));
    }
  };
  const size_t row_floats =
      (parts.q ? shape.n_q() : 0) + (parts.kv ? shape.n_k() + shape.n_v() : 0);
  parallel_rows(step.context.pool, qkv.q.n_rows, row_floats, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) {
      if (parts.kv) keys_and_values(r);
      if (parts.q) finish(r, qkv.q.row_span(r), shape.head_dim_k, w.q_norm);
    }
  });
}

void attend_with(const Step& step, MatView<const float> x, const AttentionWeights& w, Parts parts,
                 const Rope& rope, AttentionBuffers& buffers, MatView<float> out) noexcept {
  const Qkv qkv = project_qkv(step, x, w, parts, buffers);
  finish_heads(step, w, parts, rope, qkv);
  project(step, attend(step, w.shape, qkv.q, buffers), {{w.output, out}});
}

}  // namespace

size_t heads_per_unit(size_t group, size_t n_shared, size_t n_threads) noexcept {
  size_t n = group;
  while (n > 1 && n_shared * ceil_div(group, n) < 2 * n_threads) n = ceil_div(n, 2);
  return n;
}

AttentionBuffers::AttentionBuffers(size_t n_batch, size_t n_threads,
                                   std::span<const AttentionShape> layers)
    : tiles(n_batch) {
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

void self_attention(const Step& step, MatView<const float> x, const AttentionWeights& w,
                    const Rope& rope, AttentionBuffers& buffers, MatView<float> out) noexcept {
  attend_with(step, x, w, {.q = true, .kv = true}, rope, buffers, out);
}

void attend_stored(const Step& step, MatView<const float> x, const AttentionWeights& w,
                   const Rope& rope, AttentionBuffers& buffers, MatView<float> out) noexcept {
  attend_with(step, x, w, {.q = true, .kv = false}, rope, buffers, out);
}

void store_keys(const Step& step, MatView<const float> x, const AttentionWeights& w,
                const Rope& rope, AttentionBuffers& buffers) noexcept {
  constexpr Parts kKeys{.q = false, .kv = true};
  finish_heads(step, w, kKeys, rope, project_qkv(step, x, w, kKeys, buffers));
}

}  // namespace wattle
