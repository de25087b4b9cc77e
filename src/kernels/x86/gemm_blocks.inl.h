// SPDX-License-Identifier: Apache-2.0
// What the products of quantised and of float weights with many activation rows share: how the rows
// are cut into blocks, and how a block is stored.
#pragma once

#include "kernels/matmul.h"
#include "kernels/x86/unpack.inl.h"

namespace wattle::kernels::x86 {
namespace {

// The results of activation row a of a block: those of weight rows [row, end) that the tile has.
template <class Simd, int kActs>
WATTLE_INLINE void store_block(float* y, size_t row, size_t end,
                               const typename Simd::Floats (&acc)[Simd::kVecs][kActs], size_t a) {
  constexpr size_t kLanes = Simd::kRows / Simd::kVecs;
  WATTLE_UNROLL
  for (size_t v = 0; v < Simd::kVecs; ++v) {
    const size_t first = row + v * kLanes;
    if (first >= end) break;
    Simd::store(y + first, acc[v][a], end - first < kLanes ? end - first : kLanes);
  }
}

// All activation rows over the tile, kActs at a time and then one smaller block.
// Blocks: template <int kActs> void block(args, act, row, end) const.
template <int kActs, class Blocks>
void last_acts(const Blocks& blocks, const MatmulArgs& args, size_t act, size_t row, size_t end) {
  if constexpr (kActs > 0) {
    if (args.n_act - act == kActs) return blocks.template block<kActs>(args, act, row, end);
    last_acts<kActs - 1>(blocks, args, act, row, end);
  }
}

template <int kActs, class Blocks>
void all_acts(const Blocks& blocks, const MatmulArgs& args, size_t row, size_t end) {
  size_t act = 0;
  for (; args.n_act - act >= kActs; act += kActs) blocks.template block<kActs>(args, act, row, end);
  last_acts<kActs - 1>(blocks, args, act, row, end);
}

}  // namespace
}  // namespace wattle::kernels::x86
