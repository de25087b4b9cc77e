// SPDX-License-Identifier: Apache-2.0
#include "model/blocks/per_layer_embedding.h"

#include <algorithm>
#include <cmath>

#include "base/parallel_rows.h"
#include "model/blocks/embedding.h"
#include "model/blocks/ffn.h"

namespace wattle {

PerLayerEmbedding::PerLayerEmbedding(PerLayerTables tables, size_t n_layer, size_t n_batch)
    : tables_(std::move(tables)),
      n_(tables_.proj_norm.weight.size()),
      mixed_(n_batch, n_layer * n_),
      token_(n_batch, n_layer * n_),
      gate_(n_batch, n_) {}

void PerLayerEmbedding::prepare(const Step& step, std::span<const TokenId> tokens,
                                MatView<const float> x) noexcept {
  const MatView<float> mixed = mixed_.rows(x.n_rows);
  const MatView<float> token = token_.rows(x.n_rows);
  project(step, x, {{tables_.model_proj, mixed}});
  embed(step, tables_.token_embd, tokens, std::sqrt(static_cast<float>(n_)), token);
  const kernels::KernelTable& kernels = step.kernels();
  const size_t n = mixed.n_cols;
  parallel_rows(step.context.pool, x.n_rows, n, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) {
      float* const row = mixed.row(r);
      kernels.scale(row, 1.0f / std::sqrt(static_cast<float>(x.n_cols)), row, n);
      rms_norm_heads(kernels, {row, n}, n_, tables_.proj_norm);
      kernels.add(row, token.row(r), row, n);
      kernels.scale(row, 1.0f / std::sqrt(2.0f), row, n);
    }
  });
}

void PerLayerEmbedding::keep_rows(std::span<const uint32_t> rows) noexcept {
  const MatView<float> mixed = mixed_.rows(rows.empty() ? 0 : rows.back() + 1);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] != i) std::copy_n(mixed.row(rows[i]), mixed.n_cols, mixed.row(i));
  }
}

void PerLayerEmbedding::add_to(const Step& step, size_t il, const PerLayerWeights& w,
                               MatView<float> h, MatView<float> branch) noexcept {
  const MatView<float> gate = gate_.rows(h.n_rows);
  project(step, h, {{w.gate, gate}});
  gate_rows(step, Activation::gelu_tanh, gate, mixed_.rows(h.n_rows).cols(il * n_, n_));
  project(step, gate, {{w.proj, branch}});
  add_branch(step, h, branch, {.after = &w.post_norm});
}

}  // namespace wattle
