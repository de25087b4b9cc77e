// SPDX-License-Identifier: Apache-2.0
// Attention of many query rows with AVX-512 VNNI: prefill. One instruction multiplies and adds
// pairs of 16-bit integers in each lane, twice what floats do.
//
// Rows of q, k and v become integers with one scale a row: 14 bits for q and k, 13 for v, relative
// to the largest element; probabilities 14 without a sign, relative to the largest of their page.
// That is about the rounding of an f16 cache, and far below that of the int8 activations around it.
// What a row gets depends on its own q and on the entries it sees, on nothing else.
//
// Of a page, k is laid out [pairs of columns][entries][2] and v [pairs of entries][columns][2], so
// that a lane is an entry, then a column, and nothing is summed across lanes.
#define WATTLE_SIMD avx512

#include "kernels/attention.h"
#include "kernels/simd/vec_avx512.h"
// clang-format off: each builds on those before it
#include "kernels/simd/math.inl.h"
#include "kernels/simd/kv_rows.inl.h"
#include "kernels/simd/kv_entries.inl.h"
// clang-format on
#include "kernels/x86/unpack.inl.h"

namespace wattle::kernels {
namespace avx512 {
namespace {

using x86::load_as;
using Ints = __m512i;

constexpr size_t kVecs = kPage / kLanes;
constexpr size_t kBlock = 6;  // query rows at a time: 6 x 4 sums, 4 operands, 1 broadcast

// Integer sums run over this many pairs and then go on as floats, for which the ports that convert
// and add are free: 32 products of q and k, and of p and v, stay below 2^31.
constexpr size_t kPairsPerSum = 16;
constexpr float kMaxQ = 8191;
constexpr float kMaxK = 8191;
constexpr float kMaxV = 4095;
constexpr float kMaxP = 16383;

// Columns of k and q in pairs, padded with zeros to whole vectors.
size_t pairs_of(size_t head_dim) { return (head_dim + 31) / 32 * 16; }
size_t padded_columns(size_t head_dim) { return (head_dim + 15) / 16 * 16; }

size_t min(size_t a, size_t b) { return a < b ? a : b; }

struct Scale {
  float scale;
  float inverse;
};

// From the largest magnitude of a row, as bits. An infinity or a NaN makes the scale NaN: seen, not
// hidden. A row too small to invert counts as zero.
WATTLE_INLINE Scale scale_for(Ints magnitude_bits, float limit) {
  const auto bits = static_cast<uint32_t>(_mm512_reduce_max_epi32(magnitude_bits));
  const float largest = load_as<float>(&bits);
  if (bits >= 0x7f800000) return {__builtin_nanf(""), 0};
  if (largest < 0x1p-100F) return {0, 0};
  return {largest / limit, limit / largest};
}

WATTLE_INLINE Ints magnitude_bits(Vec v) {
  return _mm512_and_si512(_mm512_castps_si512(v.v), _mm512_set1_epi32(0x7fffffff));
}

template <class Rows, class Row>
WATTLE_INLINE Vec load_columns(const Row* row, size_t i, size_t n_cols) {
  if (i + kLanes <= n_cols) return Rows::load(row, i);
  return i < n_cols ? Rows::load_part(row, i, n_cols - i) : broadcast(0);
}

template <class Rows, class Row>
WATTLE_INLINE Scale row_scale(const Row* row, size_t n_cols, float limit) {
  Ints largest = _mm512_setzero_si512();
  for (size_t i = 0; i < n_cols; i += kLanes) {
    largest = _mm512_max_epi32(largest, magnitude_bits(load_columns<Rows>(row, i, n_cols)));
  }
  return scale_for(largest, limit);
}

WATTLE_INLINE Ints to_ints(Vec v, float inverse) {
  return _mm512_cvtps_epi32(_mm512_mul_ps(v.v, _mm512_set1_ps(inverse)));
}

// Elements i to i + 32 as pairs of neighbours. The order of the pairs is the instruction's, the
// same for q and k.
template <class Rows, class Row>
WATTLE_INLINE Ints pairs_of_columns(const Row* row, size_t i, size_t n_cols, float inverse) {
  return _mm512_packs_epi32(to_ints(load_columns<Rows>(row, i, n_cols), inverse),
                            to_ints(load_columns<Rows>(row, i + kLanes, n_cols), inverse));
}

// Afterwards v[i] holds lane i of each of the sixteen.
WATTLE_INLINE void transpose(Ints (&v)[16]) {
  Ints pairs[16];
  WATTLE_UNROLL
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
  }
  Ints quads[16];  // [4 q + j]: of vectors 4 q to 4 q + 3, lane j of each 128 bits
  WATTLE_UNROLL
  for (int i = 0; i < 16; i += 4) {
    quads[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
    quads[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
    quads[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    quads[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  WATTLE_UNROLL
  for (int j = 0; j < 4; ++j) {
    const Ints low_a = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0x44);
    const Ints high_a = _mm512_shuffle_i32x4(quads[j], quads[4 + j], 0xee);
    const Ints low_b = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0x44);
    const Ints high_b = _mm512_shuffle_i32x4(quads[8 + j], quads[12 + j], 0xee);
    v[j] = _mm512_shuffle_i32x4(low_a, low_b, 0x88);
    v[4 + j] = _mm512_shuffle_i32x4(low_a, low_b, 0xdd);
    v[8 + j] = _mm512_shuffle_i32x4(high_a, high_b, 0x88);
    v[12 + j] = _mm512_shuffle_i32x4(high_a, high_b, 0xdd);
  }
}

// One page of the cache as integers. Entries that nobody sees are zero, and not read.
struct Page {
  int32_t* k;  // [pairs_of(head_dim_k)][kPage]
  int32_t* v;  // [kPage / 2][padded_columns(head_dim_v)]
  alignas(64) float k_scale[kPage];
  alignas(64) float v_scale[kPage];

  template <class Rows>
  void pack_k(const Rows& rows, size_t n_cols, Entries seen) {
    const size_t n_pairs = pairs_of(n_cols);
    for (size_t first = 0; first < kPage; first += kLanes) {
      Scale scale[kLanes];
      for (size_t j = 0; j < kLanes; ++j) {
        const size_t entry = first + j;
        scale[j] = seen.has(entry) ? row_scale<Rows>(rows.row(entry), n_cols, kMaxK) : Scale{0, 0};
        k_scale[first + j] = scale[j].scale;
      }
      for (size_t pair = 0; pair < n_pairs; pair += kLanes) {
        Ints columns[kLanes];
        WATTLE_UNROLL
        for (size_t j = 0; j < kLanes; ++j) {
          columns[j] = scale[j].inverse == 0 ? _mm512_setzero_si512()
                                             : pairs_of_columns<Rows>(rows.row(first + j), 2 * pair,
                                                                      n_cols, scale[j].inverse);
        }
        transpose(columns);
        WATTLE_UNROLL
        for (size_t i = 0; i < kLanes; ++i)
          _mm512_store_si512(k + (pair + i) * kPage + first, columns[i]);
      }
    }
  }

  template <class Rows>
  void pack_v(const Rows& rows, size_t n_cols, Entries seen) {
    const size_t n_padded = padded_columns(n_cols);
    for (size_t j = 0; j < kPage; j += 2) {
      Scale scale[2];
      WATTLE_UNROLL
      for (size_t i = 0; i < 2; ++i) {
        scale[i] = seen.has(j + i) ? row_scale<Rows>(rows.row(j + i), n_cols, kMaxV) : Scale{0, 0};
        v_scale[j + i] = scale[i].scale;
      }
      const auto entry = [&](size_t i, size_t col) {
        if (scale[i].inverse == 0) return _mm512_setzero_si512();
        return to_ints(load_columns<Rows>(rows.row(j + i), col, n_cols), scale[i].inverse);
      };
      for (size_t col = 0; col < n_padded; col += kLanes) {
        const Ints odd = _mm512_slli_epi32(entry(1, col), 16);
        _mm512_store_si512(v + j / 2 * n_padded + col,
                           _mm512_mask_blend_epi16(0xaaaaaaaa, entry(0, col), odd));
      }
    }
  }
};

// The query rows of one block, as far as they see the page.
struct Block {
  const int32_t* q[kBlock];
  float q_scale[kBlock];
  float* out[kBlock];
  Entries seen[kBlock];
  float carry[kBlock];  // what is left of the old sums: exp(old max - new max)
  float p_scale[kBlock];
  alignas(64) float score[kBlock][kPage];
  alignas(64) int32_t p[kBlock][kPage / 2];  // pairs, as q
};

// sums[r][c] = products of kPairsPerSum pairs of row r with those of vector c of columns, of which
// one pair lies `stride` numbers after the other.
template <size_t rows, size_t cols>
WATTLE_INLINE void multiply(const int32_t* const (&row)[rows], const int32_t* columns,
                            size_t stride, Ints (&sums)[rows][cols]) {
  WATTLE_UNROLL
  for (size_t r = 0; r < rows; ++r) {
    WATTLE_UNROLL
    for (size_t c = 0; c < cols; ++c) sums[r][c] = _mm512_setzero_si512();
  }
  WATTLE_UNROLL
  for (size_t pair = 0; pair < kPairsPerSum; ++pair) {
    Ints column[cols];
    WATTLE_UNROLL
    for (size_t c = 0; c < cols; ++c)
      column[c] = _mm512_load_si512(columns + pair * stride + c * kLanes);
    WATTLE_UNROLL
    for (size_t r = 0; r < rows; ++r) {
      const Ints both = _mm512_set1_epi32(row[r][pair]);
      WATTLE_UNROLL
      for (size_t c = 0; c < cols; ++c)
        sums[r][c] = _mm512_dpwssd_epi32(sums[r][c], column[c], both);
    }
  }
}

template <size_t rows>
void scores(Block& block, const Page& page, size_t n_pairs) {
  for (size_t begin = 0; begin < n_pairs; begin += kPairsPerSum) {
    const int32_t* q[rows];
    WATTLE_UNROLL
    for (size_t r = 0; r < rows; ++r) q[r] = block.q[r] + begin;
    Ints sums[rows][kVecs];
    multiply(q, page.k + begin * kPage, kPage, sums);
    WATTLE_UNROLL
    for (size_t r = 0; r < rows; ++r) {
      WATTLE_UNROLL
      for (size_t v = 0; v < kVecs; ++v) {
        float* const score = block.score[r] + v * kLanes;
        const Vec part{_mm512_cvtepi32_ps(sums[r][v])};
        store(score, begin == 0 ? part : load(score) + part);
      }
    }
  }
}

// Entries of a page, a bit each.
WATTLE_INLINE uint64_t bits_of(Entries entries) {
  if (entries.empty()) return 0;
  const uint64_t from_begin = ~uint64_t{0} << entries.begin;
  return entries.end == kPage ? from_begin : from_begin & ~(~uint64_t{0} << entries.end);
}

// Scores, still without their scales, to probabilities times the scales of v; brings max and sum of
// each row up to date. In steps over all rows, so that one row's sums across lanes do not wait for
// another's.
void online_softmax(Block& block, size_t rows, const Page& page, float* row_max, float* row_sum) {
  const Vec lowest = broadcast(-__builtin_inff());
  float top[kBlock];
  for (size_t r = 0; r < rows; ++r) {
    const uint64_t seen = bits_of(block.seen[r]);
    Vec largest = broadcast(row_max[r]);
    WATTLE_UNROLL
    for (size_t v = 0; v < kVecs; ++v) {
      float* const score = block.score[r] + v * kLanes;
      const Vec scale = load(page.k_scale + v * kLanes) * broadcast(block.q_scale[r]);
      const auto lanes = static_cast<__mmask16>(seen >> (v * kLanes));
      const Vec masked{_mm512_mask_mul_ps(lowest.v, lanes, load(score).v, scale.v)};
      store(score, masked);
      largest = max(largest, masked);
    }
    top[r] = max(largest);
  }
  Vec total[kBlock];
  Ints largest_bits[kBlock];
  for (size_t r = 0; r < rows; ++r) {
    // Nothing seen so far: exp(-inf - 0) is 0 as it should, where exp(-inf + inf) would be NaN.
    const Vec reference = broadcast(top[r] == -__builtin_inff() ? 0 : top[r]);
    block.carry[r] = first_lane(exp(broadcast(row_max[r]) - reference));
    total[r] = broadcast(0);
    largest_bits[r] = _mm512_setzero_si512();
    WATTLE_UNROLL
    for (size_t v = 0; v < kVecs; ++v) {
      float* const score = block.score[r] + v * kLanes;
      const Vec p = exp(load(score) - reference);
      total[r] = total[r] + p;
      const Vec weight = p * load(page.v_scale + v * kLanes);
      store(score, weight);
      largest_bits[r] = _mm512_max_epi32(largest_bits[r], magnitude_bits(weight));
    }
  }
  for (size_t r = 0; r < rows; ++r) {
    const Scale scale = scale_for(largest_bits[r], kMaxP);
    WATTLE_UNROLL
    for (size_t v = 0; v < kVecs; ++v) {
      _mm256_store_si256(
          reinterpret_cast<__m256i*>(block.p[r] + v * kLanes / 2),
          _mm512_cvtepi32_epi16(to_ints(load(block.score[r] + v * kLanes), scale.inverse)));
    }
    block.p_scale[r] = scale.scale;
    row_sum[r] = row_sum[r] * block.carry[r] + sum(total[r]);
    row_max[r] = top[r];
  }
}

// out[r] = out[r] * carries[r] + p[r] V over kPairsPerSum pairs of entries from pair `begin` on,
// for `cols` vectors from column i on, of which the last has n columns.
template <size_t rows, size_t cols>
void weighted_sum(const Block& block, const Page& page, size_t n_padded, size_t begin,
                  const float (&carries)[kBlock], size_t i, size_t n) {
  const int32_t* p[rows];
  WATTLE_UNROLL
  for (size_t r = 0; r < rows; ++r) p[r] = block.p[r] + begin;
  Ints sums[rows][cols];
  multiply(p, page.v + begin * n_padded + i, n_padded, sums);
  WATTLE_UNROLL
  for (size_t r = 0; r < rows; ++r) {
    const Vec carry = broadcast(carries[r]);
    const Vec scale = broadcast(block.p_scale[r]);
    WATTLE_UNROLL
    for (size_t c = 0; c < cols; ++c) {
      float* const out = block.out[r] + i + c * kLanes;
      const size_t n_lanes = c + 1 == cols ? n : kLanes;
      store_part(out, n_lanes,
                 fma({_mm512_cvtepi32_ps(sums[r][c])}, scale, load_part(out, n_lanes) * carry));
    }
  }
}

template <size_t rows>
void attend(const AttentionRun& run, size_t row0, Block& block, const Page& page, Entries seen) {
  scores<rows>(block, page, pairs_of(run.head_dim_k));
  online_softmax(block, rows, page, run.max + row0, run.sum + row0);
  const size_t n_padded = padded_columns(run.head_dim_v);
  constexpr size_t kCols = 4;
  constexpr float kKept[kBlock] = {1, 1, 1, 1, 1, 1};
  const size_t first_pair = seen.begin / 2 / kPairsPerSum * kPairsPerSum;
  for (size_t pair = first_pair; 2 * pair < seen.end; pair += kPairsPerSum) {
    const auto& carries = pair == first_pair ? block.carry : kKept;
    size_t i = 0;
    for (; i + kCols * kLanes <= run.head_dim_v; i += kCols * kLanes)
      weighted_sum<rows, kCols>(block, page, n_padded, pair, carries, i, kLanes);
    for (; i < run.head_dim_v; i += kLanes) {
      const size_t n = min(run.head_dim_v - i, kLanes);
      weighted_sum<rows, 1>(block, page, n_padded, pair, carries, i, n);
    }
  }
}

// Where the arrays of a run lie in its scratch.
struct Scratch {
  int32_t* q;      // [n_q][pairs_of(head_dim_k)]
  float* q_scale;  // [n_q]
  int32_t* k;
  int32_t* v;

  explicit Scratch(const AttentionRun& run) {
    k = reinterpret_cast<int32_t*>(run.scratch);
    v = k + pairs_of(run.head_dim_k) * kPage;
    q = v + kPage / 2 * padded_columns(run.head_dim_v);
    q_scale = reinterpret_cast<float*>(q + run.n_q * pairs_of(run.head_dim_k));
  }
};

void pack_q(const AttentionRun& run, const Scratch& scratch) {
  const size_t n_pairs = pairs_of(run.head_dim_k);
  using Rows = KvRows<KvType::f32>;
  for (size_t row = 0; row < run.n_q; ++row) {
    const float* const q = run.q + row * run.q_stride;
    const Scale scale = row_scale<Rows>(q, run.head_dim_k, kMaxQ);
    scratch.q_scale[row] = scale.scale;
    for (size_t pair = 0; pair < n_pairs; pair += kLanes) {
      _mm512_store_si512(scratch.q + row * n_pairs + pair,
                         pairs_of_columns<Rows>(q, 2 * pair, run.head_dim_k, scale.inverse));
    }
  }
}

void attend_page(const AttentionRun& run, const Scratch& scratch, const Page& page,
                 size_t page_begin) {
  const size_t n_pairs = pairs_of(run.head_dim_k);
  Block block;
  for (size_t row0 = 0; row0 < run.n_q; row0 += kBlock) {
    const size_t rows = min(run.n_q - row0, kBlock);
    Entries seen = kNone;
    for (size_t r = 0; r < rows; ++r) {
      const size_t row = row0 + r;
      block.q[r] = scratch.q + row * n_pairs;
      block.q_scale[r] = scratch.q_scale[row];
      block.out[r] = run.out + row * run.out_stride;
      block.seen[r] = in_page(seen_by(run, row), page_begin);
      seen = seen | block.seen[r];
    }
    if (seen.empty()) continue;
    switch (rows) {
      case 1: attend<1>(run, row0, block, page, seen); break;
      case 2: attend<2>(run, row0, block, page, seen); break;
      case 3: attend<3>(run, row0, block, page, seen); break;
      case 4: attend<4>(run, row0, block, page, seen); break;
      case 5: attend<5>(run, row0, block, page, seen); break;
      default: attend<6>(run, row0, block, page, seen); break;
    }
  }
}

template <KvType k_type, KvType v_type>
void attention_many(const AttentionRun& run) noexcept {
  const Entries seen = seen_by_any(run);
  const Scratch scratch(run);
  pack_q(run, scratch);
  Page page;
  page.k = scratch.k;
  page.v = scratch.v;
  for (size_t begin = seen.begin / kPage * kPage; begin < seen.end; begin += kPage) {
    const size_t n = begin / kPage;
    const Entries here = in_page(seen, begin);
    page.pack_k(KvRows<k_type>(run.k[n], run.head_dim_k), run.head_dim_k, here);
    page.pack_v(KvRows<v_type>(run.v[n], run.head_dim_v), run.head_dim_v, here);
    attend_page(run, scratch, page, begin);
  }
}

}  // namespace
}  // namespace avx512

using enum KvType;
constinit const AttentionByType avx512vnni::kAttentionMany{{
    {avx512::attention_many<f32, f32>, avx512::attention_many<f32, f16>,
     avx512::attention_many<f32, q8_0>},
    {avx512::attention_many<f16, f32>, avx512::attention_many<f16, f16>,
     avx512::attention_many<f16, q8_0>},
    {avx512::attention_many<q8_0, f32>, avx512::attention_many<q8_0, f16>,
     avx512::attention_many<q8_0, q8_0>},
}};

}  // namespace wattle::kernels
