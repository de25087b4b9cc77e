// SPDX-License-Identifier: Apache-2.0
// Per-layer embeddings (Gemma 3n, Gemma 4 E2B and E4B): every layer has its own small embedding of
// the token, mixed with a projection of the token's main embedding, and adds it after its FFN.
#pragma once

#include <span>

#include "model/blocks/norm.h"
#include "model/blocks/projection.h"
#include "model/mat_buffer.h"

namespace wattle {

// Of one layer.
struct PerLayerWeights {
  Projection gate;  // [n_embd_per_layer, n_embd]
  Projection proj;  // [n_embd, n_embd_per_layer]
  Norm post_norm;   // [n_embd]
};

// Of the model. n = n_embd_per_layer.
struct PerLayerTables {
  TensorView token_embd;  // [n_vocab, n_layer * n]
  Projection model_proj;  // [n_layer * n, n_embd]
  Norm proj_norm;         // [n]
};

class PerLayerEmbedding {
 public:
  PerLayerEmbedding(PerLayerTables tables, size_t n_layer, size_t n_batch);

  // Once per step: the embeddings of its rows for all layers. x [n_rows, n_embd]: the scaled main
  // embeddings.
  void prepare(const Step& step, std::span<const TokenId> tokens, MatView<const float> x) noexcept;

  // Drops all rows but those named, ascending.
  void keep_rows(std::span<const uint32_t> rows) noexcept;

  // h += post_norm(proj(gelu(gate h) * embedding of layer il)). branch [n_rows, n_embd] is
  // overwritten.
  void add_to(const Step& step, size_t il, const PerLayerWeights& w, MatView<float> h,
              MatView<float> branch) noexcept;

 private:
  PerLayerTables tables_;
  size_t n_;
  MatBuffer mixed_;  // [n_batch, n_layer * n]
  MatBuffer token_;  // [n_batch, n_layer * n]
  MatBuffer gate_;   // [n_batch, n]
};

}  // namespace wattle
