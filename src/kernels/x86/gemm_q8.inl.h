// SPDX-License-Identifier: Apache-2.0
// Y = W X for many activation rows: prefill. One tile of weight rows is packed (pack_q8.inl.h),
// then all activation rows pass over it in blocks that fit the registers. A lane of a vector is a
// weight row, so nothing is summed horizontally. There is one inner loop for all block types.
//
// A Simd says how:
//   kRows, kActs            weight rows of a tile; activation rows of a block
//   kActs16                 the same with groups of 16, which have parts of sums in registers, too
//   Ints, Floats            one lane per weight row
//   Packed<T>               the packed form of block type T
//   dot<P, kSteps>(...)     sums of 4 * kSteps columns, exact: every lane, every activation row
//   zero, load, broadcast, broadcast_4, to_floats, mul, fma, fnma, store
#pragma once

#include "kernels/act_q8.h"
#include "kernels/x86/gemm_blocks.inl.h"
#include "kernels/x86/pack_q8.inl.h"

namespace wattle::kernels::x86 {
namespace {

// Addresses of some activation rows, which share their layout: array `at` of row a is x[a] + at.
template <int kActs>
using ActRows = const std::byte* [kActs];

// Activation rows against a run of a tile's columns, all of them or some; then what the runs so far
// have added up is in `totals`.
template <class Simd, class Packed>
struct Q8Run {
  size_t begin;  // groups of 32 columns
  size_t end;
  float* totals;  // [n_act][kRows]

  // kActs of them. Each weight register serves all, and each broadcast activation all kVecs
  // registers of weights: with one register a step would load more than it multiplies.
  template <int kActs>
  [[gnu::noinline]] void block(const MatmulArgs& args, size_t act, size_t row,
                               size_t row_end) const;
};

template <class Simd, class Packed>
template <int kActs>
void Q8Run<Simd, Packed>::block(const MatmulArgs& args, size_t act, size_t row,
                                size_t row_end) const {
  using Layout = TileLayout<Packed, Simd::kRows>;
  constexpr int kVecs = Simd::kVecs;
  constexpr size_t kLanes = Simd::kRows / kVecs;
  constexpr int kSteps = Packed::kGroup / 4;
  const ActQ8Layout at = act_q8_layout(args.n_cols);
  ActRows<kActs> x;
  WATTLE_UNROLL
  for (size_t a = 0; a < kActs; ++a) x[a] = args.act[act + a];

  // Not reached where one run is all: then there may be more activation rows than totals.
  const auto so_far = [&](size_t a) { return totals + (act + a) * Simd::kRows; };
  typename Simd::Floats acc[kVecs][kActs];
  WATTLE_UNROLL
  for (size_t v = 0; v < kVecs; ++v) {
    WATTLE_UNROLL
    for (size_t a = 0; a < kActs; ++a)
      acc[v][a] = begin == 0 ? Simd::zero() : Simd::load(so_far(a) + v * kLanes);
  }
  const std::byte* tile = args.scratch;
  for (size_t g = begin; g < end; ++g, tile += Layout::kBytes) {
    const auto in_tile = [&](size_t array_at, size_t s, size_t v) {
      return Simd::load(tile + array_at + (s * Simd::kRows + v * kLanes) * sizeof(float));
    };
    const auto scale_of = [&](int a) {
      return load_as<ActScale>(x[a] + at.scale + g * sizeof(ActScale));
    };
    const auto x_scale = [&](int a) { return Simd::broadcast(scale_of(a).scale); };
    // Of groups of 16, two of which share a scale of the activations: multiplied by it at the end.
    typename Simd::Floats part[kVecs][kActs];
    WATTLE_UNROLL
    for (size_t s = 0; s < Layout::kScales; ++s) {
      const size_t group = g * Layout::kScales + s;
      const size_t sums_at =
          (Packed::kGroup == 32 ? at.neg_sum32 : at.neg_sum16) + group * sizeof(int32_t);
      typename Simd::Ints sums[kVecs][kActs];
      Simd::template dot<Packed, kSteps>(tile + s * kSteps * Simd::kRows * 4, x,
                                         group * Packed::kGroup, sums_at, sums);
      WATTLE_UNROLL
      for (int a = 0; a < kActs; ++a) {
        WATTLE_UNROLL
        for (int v = 0; v < kVecs; ++v) {
          const auto sum = Simd::to_floats(sums[v][a]);
          const auto scale = in_tile(Layout::kScalesAt, s, v);
          if constexpr (!Packed::kOf16) {
            acc[v][a] = Simd::fma(sum, Simd::mul(scale, x_scale(a)), acc[v][a]);
          } else {
            part[v][a] = s == 0 ? Simd::mul(sum, scale) : Simd::fma(sum, scale, part[v][a]);
          }
        }
      }
    }
    WATTLE_UNROLL
    for (size_t s = 0; s < Layout::kMins; ++s) {
      WATTLE_UNROLL
      for (int a = 0; a < kActs; ++a) {
        WATTLE_UNROLL
        for (int v = 0; v < kVecs; ++v) {
          const auto min = in_tile(Layout::kMinsAt, s, v);
          if constexpr (!Packed::kOf16) {
            acc[v][a] = Simd::fma(min, Simd::broadcast(scale_of(a).scale_sum), acc[v][a]);
          } else {
            const auto* neg_sum = x[a] + at.neg_sum16 + (2 * g + s) * sizeof(int32_t);
            const auto neg = Simd::to_floats(Simd::broadcast_4(neg_sum));
            part[v][a] = Simd::fnma(min, neg, part[v][a]);
          }
        }
      }
    }
    if constexpr (Packed::kOf16) {
      WATTLE_UNROLL
      for (int a = 0; a < kActs; ++a) {
        WATTLE_UNROLL
        for (int v = 0; v < kVecs; ++v) acc[v][a] = Simd::fma(part[v][a], x_scale(a), acc[v][a]);
      }
    }
  }
  const bool is_last = end == args.n_cols / 32;
  WATTLE_UNROLL
  for (size_t a = 0; a < kActs; ++a) {
    if (is_last) {
      store_block<Simd>(args.y[act + a], row, row_end, acc, a);
    } else {
      store_block<Simd>(so_far(a), 0, Simd::kRows, acc, a);
    }
  }
}

// Few activation rows take a tile run by run, of 8 KiB of codes each, so that it stays in the
// first-level cache between packing and products; the sums of many would not.
constexpr size_t kFewActs = 16;
constexpr size_t kRunCodes = 8192;

template <class Simd, class T>
void matmul_q8(const MatmulArgs& args, RowRange rows) noexcept {
  using Packed = typename Simd::template Packed<T>;
  constexpr size_t kSubs = T::kElems / 32;
  const size_t n_groups = args.n_cols / 32;
  const size_t run = args.n_act <= kFewActs ? kRunCodes / Simd::kRows / 32 : n_groups;
  static_assert(kRunCodes / Simd::kRows % T::kElems == 0);
  alignas(64) float totals[kFewActs * Simd::kRows];
  fetch_bytes(args.w + rows.begin * args.w_row_bytes, Simd::kRows * args.w_row_bytes);
  for (size_t row = rows.begin; row < rows.end; row += Simd::kRows) {
    const TileRows<T, Simd::kRows> tile(args, row, rows.end);
    for (size_t begin = 0; begin < n_groups; begin += run) {
      const size_t end = n_groups - begin < run ? n_groups : begin + run;
      tile.template pack<Packed>(begin / kSubs, end / kSubs, args.scratch);
      all_acts<Packed::kOf16 ? Simd::kActs16 : Simd::kActs>(Q8Run<Simd, Packed>{begin, end, totals},
                                                            args, row, rows.end);
    }
  }
}

template <class Simd, class T>
size_t scratch_bytes_q8(size_t n_cols) noexcept {
  return n_cols / 32 * TileLayout<typename Simd::template Packed<T>, Simd::kRows>::kBytes;
}

}  // namespace
}  // namespace wattle::kernels::x86
