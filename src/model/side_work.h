// SPDX-License-Identifier: Apache-2.0
// How much a model computes beside its products with matrices: attention, norms, what lies between.
// For projections; counted from the hyperparameters.
#pragma once

#include <cstddef>

#include "model/hparams.h"

namespace wattle {

struct SideWork {
  double macs = 0;   // of attention
  double bytes = 0;  // of the cache and of activations that are read and written
};

// Rows of one sequence, the first of them at position `first`, the cache in f16; of the last layers
// that only outputs need, one row.
SideWork side_work(const Hparams& hparams, size_t n_rows, size_t first);

}  // namespace wattle
