// SPDX-License-Identifier: Apache-2.0
#include "model/side_work.h"

#include <algorithm>

namespace wattle {
namespace {

constexpr size_t kF16Bytes = 2;
// Passes over a row of the residual stream in each layer, of a read and a write of four bytes each:
// norms before and after attention and feed-forward network, and the sums behind them.
constexpr size_t kPasses = 6;
constexpr size_t kPassBytes = 8;
constexpr size_t kGateBytes = 12;  // of each gated element: two are read, one is written

}  // namespace

SideWork side_work(const Hparams& hp, size_t n_rows, size_t first) {
  SideWork work;
  for (size_t il = 0; il < hp.n_layer; ++il) {
    const LayerHparams& layer = hp.layers[il];
    const bool is_outputs_only = hp.outputs_only(il);
    const size_t first_row = is_outputs_only ? n_rows - std::min<size_t>(n_rows, 1) : 0;
    const size_t head_dims = size_t{layer.head_dim_k} + layer.head_dim_v;
    double n_seen = 0;  // positions, of all rows
    for (size_t r = first_row; r < n_rows; ++r) {
      const size_t n = first + r + 1;
      n_seen += static_cast<double>(layer.swa ? std::min<size_t>(n, hp.n_swa) : n);
    }
    work.macs += n_seen * static_cast<double>(layer.n_head * head_dims);
    const size_t n_cached =
        layer.swa ? std::min<size_t>(first + n_rows, hp.n_swa + n_rows) : first + n_rows;
    work.bytes += static_cast<double>(n_cached * layer.n_head_kv * head_dims * kF16Bytes);
    const size_t n_gated = layer.n_ff + size_t{hp.n_expert_used} * hp.n_ff_exp;
    const size_t n_passes = kPasses + hp.n_expert_used;
    work.bytes += static_cast<double>((n_rows - first_row) *
                                      (n_passes * hp.n_embd * kPassBytes + n_gated * kGateBytes));
  }
  return work;
}

}  // namespace wattle
