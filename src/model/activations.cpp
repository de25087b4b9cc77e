// SPDX-License-Identifier: Apache-2.0
#include "model/activations.h"

#include <algorithm>

namespace wattle {
namespace {

std::vector<AttentionShape> attention_shapes(const Hparams& hparams) {
  std::vector<AttentionShape> shapes;
  shapes.reserve(hparams.n_layer);
  for (size_t il = 0; il < hparams.n_layer; ++il) shapes.push_back(attention_shape(hparams, il));
  return shapes;
}

}  // namespace

Activations::Activations(const Hparams& hparams, size_t n_batch, size_t n_threads)
    : h(n_batch, hparams.n_embd),
      normed(n_batch, hparams.n_embd),
      branch(n_batch, hparams.n_embd),
      attention(n_batch, n_threads, attention_shapes(hparams)) {
  uint32_t n_ff = 0;
  for (const LayerHparams& layer : hparams.layers) n_ff = std::max(n_ff, layer.n_ff);
  ffn = FfnBuffers(n_batch, n_ff);
  if (hparams.n_expert == 0) return;
  moe = MoeBuffers(n_batch, hparams.n_expert, hparams.n_expert_used, hparams.n_ff_exp,
                   hparams.n_embd);
}

uint64_t activation_bytes(const Hparams& hparams, size_t n_batch) noexcept {
  // Ranges of the keys keep every product below 2^64 but the last.
  const uint64_t n_embd = hparams.n_embd;
  uint64_t widest = 0;  // of the layers
  for (const LayerHparams& layer : hparams.layers) {
    const uint64_t q = uint64_t{layer.n_head} * layer.head_dim_k;
    const uint64_t out = uint64_t{layer.n_head} * layer.head_dim_v;
    const uint64_t kv = uint64_t{layer.n_head_kv} * (layer.head_dim_k + layer.head_dim_v);
    widest = std::max(widest, q + out + kv + 2 * uint64_t{layer.n_ff});
  }
  const uint64_t experts =
      hparams.n_expert_used * (2 * uint64_t{hparams.n_ff_exp} + n_embd) + hparams.n_expert;
  const uint64_t per_layer = 2 * uint64_t{hparams.n_layer} * hparams.n_embd_per_layer;
  // Rows for the device take up to as much again as the rows they are made of.
  const uint64_t floats = 2 * (6 * n_embd + widest + experts + per_layer);
  uint64_t bytes = 0;
  return __builtin_mul_overflow(floats * sizeof(float), n_batch, &bytes) ? UINT64_MAX : bytes;
}

AttentionShape attention_shape(const Hparams& hparams, size_t il) {
  const LayerHparams& layer = hparams.layers[il];
  return {.n_head = layer.n_head,
          .n_head_kv = layer.n_head_kv,
          .head_dim_k = layer.head_dim_k,
          .head_dim_v = layer.head_dim_v,
          .n_swa = layer.swa ? hparams.n_swa : 0,
          .kv_layer = il,
          .score_scale = hparams.score_scale};
}

}  // namespace wattle
