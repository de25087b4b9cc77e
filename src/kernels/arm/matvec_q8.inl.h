// SPDX-License-Identifier: Apache-2.0
// y = W x for a few activation rows: decode. Reads the blocks where they lie, each weight unpacked
// once for all activation rows of a pass. Needs dotprod.
#pragma once

#include "kernels/arm/matvec_32.inl.h"
#include "kernels/arm/matvec_groups16.inl.h"
#include "kernels/arm/matvec_groups32.inl.h"

namespace wattle::kernels::arm {
namespace {

template <class T, int kActs>
WATTLE_INLINE void rows_of(const MatmulArgs& args, size_t act, RowRange rows) {
  if constexpr (T::kElems == 32) {
    rows_of_blocks32<T, kActs>(args, act, rows);
  } else if constexpr (T::kGroup == 32) {
    rows_of_groups32<T, kActs>(args, act, rows);
  } else {
    rows_of_groups16<T, kActs>(args, act, rows);
  }
}

// A panel of rows stays in the cache for all passes.
template <class T>
void matvec_q8(const MatmulArgs& args, RowRange rows) noexcept {
  constexpr size_t kPanelRows = 32;
  for (size_t row = rows.begin; row < rows.end; row += kPanelRows) {
    const RowRange panel{row, rows.end - row < kPanelRows ? rows.end : row + kPanelRows};
    size_t act = 0;
    for (; args.n_act - act >= kMaxActs; act += kMaxActs) rows_of<T, kMaxActs>(args, act, panel);
    for (; args.n_act - act >= 2; act += 2) rows_of<T, 2>(args, act, panel);
    if (act < args.n_act) rows_of<T, 1>(args, act, panel);
  }
}

}  // namespace
}  // namespace wattle::kernels::arm
