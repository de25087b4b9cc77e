// SPDX-License-Identifier: Apache-2.0
// The attention kernels over Vec. Included once per instruction set, after math.inl.h,
// kv_rows.inl.h and kv_entries.inl.h.
//
// Work is cut into the pages of the run and blocks of up to kBlock query rows. Each score is a dot
// product of its own: kLanes partial sums along the head, then one fixed tree over the lanes. Each
// output adds its p * V in order of position. So neither the size of a block nor the rest of the
// call can change a bit of a row.
#pragma once

#include "kernels/attention.h"

namespace wattle::kernels::WATTLE_SIMD {
namespace {

inline constexpr size_t kBlock = 4;

// With more rows than this, a page is copied to f32 once instead of decoded for each block.
inline constexpr size_t kCopyAbove = 2 * kBlock;

// Entries (or vectors of the output) that `rows` query rows take at a time: as many as keep the
// accumulators, one operand per row and one of the cache in registers; at least 8 sums in flight.
constexpr size_t columns_at_a_time(size_t rows) {
  if (rows == 1) return 8;
  return kRegisters == 16 && rows == 4 ? 2 : 4;
}

// Keys or values of the page after this one, which are fetched into the second-level cache while
// this one is used: between pages of the cache no processor reads ahead by itself.
struct NextPage {
  const std::byte* rows = nullptr;  // none
  size_t row_bytes = 0;

  void fetch(size_t row, size_t n) const {
    if (rows == nullptr) return;
    for (size_t at = row * row_bytes; at < (row + n) * row_bytes; at += 64)
      __builtin_prefetch(rows + at, 0, 2);
  }
};

// The query rows of one block, as far as they see the page.
struct Block {
  const float* q[kBlock];
  float* out[kBlock];
  Entries seen[kBlock];
  Entries seen_by_any;
  float carry[kBlock];  // what is left of the old sums: exp(old max - new max)
  // Scores, then exp(score - max); 0 where not seen. The rest of a row takes writes past the end.
  alignas(64) float p[kBlock][kPage + 16];
};

// p[r][j] = q[r] . k[j] for the entries that any row sees.
template <size_t rows, class K>
void scores(Block& block, const K& k, size_t head_dim, const NextPage& next) {
  constexpr size_t cols = columns_at_a_time(rows);
  for (size_t j = block.seen_by_any.begin; j < block.seen_by_any.end; j += cols) {
    next.fetch(j, cols);
    decltype(k.row(0)) k_row[cols];
    for (size_t c = 0; c < cols; ++c) {  // past the end: the last one again, and not stored
      k_row[c] = k.row(j + c < block.seen_by_any.end ? j + c : block.seen_by_any.end - 1);
    }
    Vec acc[rows * cols];
    for (Vec& a : acc) a = broadcast(0);
    size_t i = 0;
    for (; i + kLanes <= head_dim; i += kLanes) {
      Vec q[rows];
      for (size_t r = 0; r < rows; ++r) q[r] = load(block.q[r] + i);
      for (size_t c = 0; c < cols; ++c) {
        const Vec v = K::load(k_row[c], i);
        for (size_t r = 0; r < rows; ++r) acc[r * cols + c] = fma(q[r], v, acc[r * cols + c]);
      }
    }
    if (i < head_dim) {
      for (size_t c = 0; c < cols; ++c) {
        const Vec v = K::load_part(k_row[c], i, head_dim - i);
        for (size_t r = 0; r < rows; ++r) {
          const Vec q = load_part(block.q[r] + i, head_dim - i);
          acc[r * cols + c] = fma(q, v, acc[r * cols + c]);
        }
      }
    }
    if constexpr (cols % 4 == 0) {
      // May write past the end of the range: online_softmax overwrites what is outside of it.
      for (size_t r = 0; r < rows; ++r) {
        for (size_t c = 0; c < cols; c += 4) {
          const Vec* a = acc + r * cols + c;
          sum4(a[0], a[1], a[2], a[3], block.p[r] + j + c);
        }
      }
    } else {
      float sums[rows * cols];
      for (size_t s = 0; s < rows * cols; s += 4) {
        sum4(acc[s], acc[s + 1], acc[s + 2], acc[s + 3], sums + s);
      }
      for (size_t r = 0; r < rows; ++r) {
        for (size_t c = 0; c < cols; ++c) block.p[r][j + c] = sums[r * cols + c];
      }
    }
  }
}

// Scores to probabilities of one row; brings its max and sum up to date.
void online_softmax(Block& block, size_t r, float& row_max, float& row_sum) {
  float* p = block.p[r];
  if (block.seen[r].empty()) {
    for (size_t j = 0; j < kPage; j += kLanes) store(p + j, broadcast(0));
    block.carry[r] = 1;
    return;
  }
  const float lowest = -__builtin_inff();
  for (size_t j = 0; j < block.seen[r].begin; ++j) p[j] = lowest;
  for (size_t j = block.seen[r].end; j < kPage; ++j) p[j] = lowest;
  Vec largest = broadcast(row_max);
  for (size_t j = 0; j < kPage; j += kLanes) largest = max(largest, load(p + j));
  const Vec top = broadcast(max(largest));

  Vec total = broadcast(0);
  for (size_t j = 0; j < kPage; j += kLanes) {
    const Vec e = exp(load(p + j) - top);
    store(p + j, e);
    total = total + e;
  }
  block.carry[r] = first_lane(exp(broadcast(row_max) - top));
  row_sum = row_sum * block.carry[r] + sum(total);
  row_max = first_lane(top);
}

// out[r] = out[r] * carry[r] + sum over the entries of p[r][j] * v[j], for `cols` vectors at i.
template <size_t rows, size_t cols, class V>
void weighted_sum(Block& block, const V& v, size_t i, const NextPage& next) {
  Vec acc[rows * cols];
  for (size_t r = 0; r < rows; ++r) {
    const Vec carry = broadcast(block.carry[r]);
    for (size_t c = 0; c < cols; ++c) {
      acc[r * cols + c] = load(block.out[r] + i + c * kLanes) * carry;
    }
  }
  for (size_t j = block.seen_by_any.begin; j < block.seen_by_any.end; ++j) {
    if (i == 0) next.fetch(j, 1);
    const auto* v_row = v.row(j);
    Vec p[rows];
    for (size_t r = 0; r < rows; ++r) p[r] = broadcast(block.p[r][j]);
    for (size_t c = 0; c < cols; ++c) {
      const Vec x = V::load(v_row, i + c * kLanes);
      for (size_t r = 0; r < rows; ++r) acc[r * cols + c] = fma(p[r], x, acc[r * cols + c]);
    }
  }
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < cols; ++c) {
      store(block.out[r] + i + c * kLanes, acc[r * cols + c]);
    }
  }
}

// The same for the last n < kLanes elements of the head.
template <size_t rows, class V>
void weighted_sum_part(Block& block, const V& v, size_t i, size_t n) {
  for (size_t r = 0; r < rows; ++r) {
    Vec acc = load_part(block.out[r] + i, n) * broadcast(block.carry[r]);
    for (size_t j = block.seen_by_any.begin; j < block.seen_by_any.end; ++j) {
      acc = fma(broadcast(block.p[r][j]), V::load_part(v.row(j), i, n), acc);
    }
    store_part(block.out[r] + i, n, acc);
  }
}

template <size_t rows, class K, class V>
void attend(const AttentionRun& run, size_t row0, Block& block, const K& k, const V& v,
            const NextPage& next_k, const NextPage& next_v) {
  scores<rows>(block, k, run.head_dim_k, next_k);
  for (size_t r = 0; r < rows; ++r) {
    online_softmax(block, r, run.max[row0 + r], run.sum[row0 + r]);
  }
  constexpr size_t cols = columns_at_a_time(rows);
  size_t i = 0;
  for (; i + cols * kLanes <= run.head_dim_v; i += cols * kLanes) {
    weighted_sum<rows, cols>(block, v, i, next_v);
  }
  for (; i + kLanes <= run.head_dim_v; i += kLanes) weighted_sum<rows, 1>(block, v, i, next_v);
  if (i < run.head_dim_v) weighted_sum_part<rows>(block, v, i, run.head_dim_v - i);
}

// All query rows against the page that begins with entry page_begin of the run. The first block of
// them fetches the next page, unless pages are copied.
template <class K, class V>
void attend_page(const AttentionRun& run, size_t page_begin, const K& k, const V& v) {
  NextPage next_k;
  NextPage next_v;
  if (run.n_q <= kCopyAbove && page_begin + kPage < run.n_kv) {
    const size_t next = page_begin / kPage + 1;
    next_k = {run.k[next], K::row_bytes(run.head_dim_k)};
    next_v = {run.v[next], V::row_bytes(run.head_dim_v)};
  }
  Block block;
  for (size_t row0 = 0; row0 < run.n_q; row0 += kBlock) {
    const size_t rows = run.n_q - row0 < kBlock ? run.n_q - row0 : kBlock;
    block.seen_by_any = kNone;
    for (size_t r = 0; r < rows; ++r) {
      const size_t row = row0 + r;
      block.q[r] = run.q + row * run.q_stride;
      block.out[r] = run.out + row * run.out_stride;
      block.seen[r] = in_page(seen_by(run, row), page_begin);
      block.seen_by_any = block.seen_by_any | block.seen[r];
    }
    if (block.seen_by_any.empty()) continue;
    switch (rows) {
      case 1: attend<1>(run, row0, block, k, v, next_k, next_v); break;
      case 2: attend<2>(run, row0, block, k, v, next_k, next_v); break;
      case 3: attend<3>(run, row0, block, k, v, next_k, next_v); break;
      default: attend<4>(run, row0, block, k, v, next_k, next_v); break;
    }
    next_k = next_v = {};
  }
}

// Those rows as f32, to the same rows of `out`.
template <KvType type>
KvRows<KvType::f32> copy_rows(const KvRows<type>& rows, size_t n_cols, Entries seen, float* out) {
  for (size_t r = seen.begin; r < seen.end; ++r) {
    const auto* row = rows.row(r);
    float* copy = out + r * n_cols;
    size_t i = 0;
    for (; i + kLanes <= n_cols; i += kLanes) store(copy + i, KvRows<type>::load(row, i));
    if (i < n_cols) store_part(copy + i, n_cols - i, KvRows<type>::load_part(row, i, n_cols - i));
  }
  return {reinterpret_cast<const std::byte*>(out), n_cols};
}

template <KvType k_type, KvType v_type>
void attention(const AttentionRun& run) noexcept {
  const Entries seen = seen_by_any(run);
  for (size_t begin = seen.begin / kPage * kPage; begin < seen.end; begin += kPage) {
    const KvRows<k_type> k(run.k[begin / kPage], run.head_dim_k);
    const KvRows<v_type> v(run.v[begin / kPage], run.head_dim_v);
    if (run.n_q <= kCopyAbove) {
      attend_page(run, begin, k, v);
      continue;
    }
    const Entries here = in_page(seen, begin);
    float* const v_scratch = run.scratch + kPage * run.head_dim_k;
    if constexpr (k_type == KvType::f32 && v_type == KvType::f32) {
      attend_page(run, begin, k, v);
    } else if constexpr (k_type == KvType::f32) {
      attend_page(run, begin, k, copy_rows(v, run.head_dim_v, here, v_scratch));
    } else if constexpr (v_type == KvType::f32) {
      attend_page(run, begin, copy_rows(k, run.head_dim_k, here, run.scratch), v);
    } else {
      attend_page(run, begin, copy_rows(k, run.head_dim_k, here, run.scratch),
                  copy_rows(v, run.head_dim_v, here, v_scratch));
    }
  }
}

using enum KvType;
constexpr AttentionByType kByType{{
    {attention<f32, f32>, attention<f32, f16>, attention<f32, q8_0>},
    {attention<f16, f32>, attention<f16, f16>, attention<f16, q8_0>},
    {attention<q8_0, f32>, attention<q8_0, f16>, attention<q8_0, q8_0>},
}};

}  // namespace

constinit const AttentionKernels kAttention{
    .kv_store = {store_f32, store_f16, store_q8_0},
    .attention = kByType,
};

}  // namespace wattle::kernels::WATTLE_SIMD
