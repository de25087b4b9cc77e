// SPDX-License-Identifier: Apache-2.0
// Matrix products of weights that are floats: f32, f16, bf16, with float activations. matvec is
// bound by memory and needs no more than 256-bit vectors; matmul packs a tile to f32 and has the
// form of gemm_q8.inl.h, one lane per weight row. Columns may be any number.
#pragma once

#include "kernels/x86/gemm_blocks.inl.h"
#include "kernels/x86/matvec_rows.inl.h"
#include "kernels/x86/pack_q8.inl.h"

namespace wattle::kernels::x86 {
namespace {

// Weights of a type: what load() takes kColumns elements into, what activations are (Act), and how
// a vector of each is multiplied and added.
struct F32 {
  using Element = float;
  using Act = F32;
  static constexpr size_t kColumns = 8;
  WATTLE_INLINE static __m256 load(const float* p) { return _mm256_loadu_ps(p); }
  WATTLE_INLINE static __m256 add_product(__m256 w, __m256 x, __m256 sum) {
    return _mm256_fmadd_ps(w, x, sum);
  }
};

struct F16 {
  using Element = uint16_t;
  using Act = F32;
  static constexpr size_t kColumns = 8;
  WATTLE_INLINE static __m256 load(const uint16_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
};

struct BF16 {
  using Element = uint16_t;
  using Act = F32;
  static constexpr size_t kColumns = 8;
  WATTLE_INLINE static __m256 load(const uint16_t* p) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
  }
};

// The first n < kColumns elements, then zeros.
template <class T>
WATTLE_INLINE __m256 load_some(const typename T::Element* p, size_t n) {
  typename T::Element some[T::kColumns] = {};
  for (size_t i = 0; i < n; ++i) some[i] = p[i];
  return T::load(some);
}

template <class T, int kActs>
void four_rows_of_floats(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  using Act = typename T::Act;
  const FourRows<typename T::Element> rows(args, row, end);
  const typename Act::Element* x[kActs];
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a)
    x[a] = reinterpret_cast<const typename Act::Element*>(args.act[act + static_cast<size_t>(a)]);

  __m256 acc[kRowsInFlight][kActs] = {};
  size_t i = 0;
  for (; i + T::kColumns <= args.n_cols; i += T::kColumns) {
    WATTLE_UNROLL
    for (int r = 0; r < kRowsInFlight; ++r) {
      // Bound by memory (docs/perf/matmul.md): 16 elements of two bytes for a fetch read a sixth
      // less, though a line has 32 of them.
      WATTLE_UNROLL
      for (size_t k = 0; k < T::kColumns; k += 8) rows.fetch(rows.w[r] + i + k);
      const __m256 w = T::load(rows.w[r] + i);
      WATTLE_UNROLL
      for (int a = 0; a < kActs; ++a)
        acc[r][a] = Act::add_product(w, Act::load(x[a] + i), acc[r][a]);
    }
  }
  if (const size_t n = args.n_cols - i; n != 0) {
    WATTLE_UNROLL
    for (int r = 0; r < kRowsInFlight; ++r) {
      const __m256 w = load_some<T>(rows.w[r] + i, n);
      WATTLE_UNROLL
      for (int a = 0; a < kActs; ++a)
        acc[r][a] = Act::add_product(w, load_some<Act>(x[a] + i, n), acc[r][a]);
    }
  }
  WATTLE_UNROLL
  for (int a = 0; a < kActs; ++a) {
    store_rows(args.y[act + static_cast<size_t>(a)] + row,
               sums_of_lanes(acc[0][a], acc[1][a], acc[2][a], acc[3][a]), end - row);
  }
}

struct MatvecFloats {
  template <class T, int kActs>
  static void four_rows(const MatmulArgs& args, size_t act, size_t row, size_t end) {
    four_rows_of_floats<T, kActs>(args, act, row, end);
  }
};

// tile: [n_cols up to kColumns][kRows] of f32, or of as many elements as fill its place
template <class T, int kRows>
void pack_floats(const MatmulArgs& args, size_t row, size_t end, std::byte* tile) {
  using Element = typename T::Element;
  constexpr size_t kStride = kRows * sizeof(float);
  for (size_t first = 0; first < kRows; first += 8) {
    const Element* w[8];
    WATTLE_UNROLL
    for (size_t i = 0; i < 8; ++i) {
      const size_t r = row + first + i < end ? row + first + i : end - 1;
      w[i] = reinterpret_cast<const Element*>(args.w + r * args.w_row_bytes);
    }
    std::byte* to = tile + first * sizeof(float);
    for (size_t k = 0; k < args.n_cols; k += T::kColumns, to += 8 * kStride) {
      const size_t n = args.n_cols - k;
      __m256i columns[8];
      WATTLE_UNROLL
      for (int i = 0; i < 8; ++i) {
        columns[i] =
            _mm256_castps_si256(n >= T::kColumns ? T::load(w[i] + k) : load_some<T>(w[i] + k, n));
      }
      transpose(columns);
      WATTLE_UNROLL
      for (size_t i = 0; i < 8; ++i) store256(to + i * kStride, columns[i]);
    }
  }
}

template <class Simd, int kActs>
void gemm_floats_block(const MatmulArgs& args, size_t act, size_t row, size_t end) {
  constexpr size_t kVecs = Simd::kVecs;
  constexpr size_t kLanes = Simd::kRows / kVecs;
  const float* x[kActs];
  WATTLE_UNROLL
  for (size_t a = 0; a < kActs; ++a) x[a] = reinterpret_cast<const float*>(args.act[act + a]);
  typename Simd::Floats acc[kVecs][kActs];
  WATTLE_UNROLL
  for (size_t v = 0; v < kVecs; ++v) {
    WATTLE_UNROLL
    for (int a = 0; a < kActs; ++a) acc[v][a] = Simd::zero();
  }
  for (size_t k = 0; k < args.n_cols; ++k) {
    typename Simd::Floats w[kVecs];
    WATTLE_UNROLL
    for (size_t v = 0; v < kVecs; ++v)
      w[v] = Simd::load(args.scratch + (k * Simd::kRows + v * kLanes) * sizeof(float));
    WATTLE_UNROLL
    for (int a = 0; a < kActs; ++a) {
      const auto x_k = Simd::broadcast(x[a][k]);
      WATTLE_UNROLL
      for (size_t v = 0; v < kVecs; ++v) acc[v][a] = Simd::fma(w[v], x_k, acc[v][a]);
    }
  }
  WATTLE_UNROLL
  for (size_t a = 0; a < kActs; ++a) store_block<Simd>(args.y[act + a], row, end, acc, a);
}

template <class Simd>
struct FloatBlocks {
  template <int kActs>
  void block(const MatmulArgs& args, size_t act, size_t row, size_t end) const {
    gemm_floats_block<Simd, kActs>(args, act, row, end);
  }
};

template <class Simd, class T>
void matmul_floats(const MatmulArgs& args, RowRange rows) noexcept {
  for (size_t row = rows.begin; row < rows.end; row += Simd::kRows) {
    pack_floats<T, Simd::kRows>(args, row, rows.end, args.scratch);
    all_acts<Simd::kActs>(FloatBlocks<Simd>{}, args, row, rows.end);
  }
}

template <class Simd>
size_t scratch_bytes_floats(size_t n_cols) noexcept {
  return (n_cols + 7) / 8 * 8 * Simd::kRows * sizeof(float);
}

}  // namespace
}  // namespace wattle::kernels::x86
