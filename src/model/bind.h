// SPDX-License-Identifier: Apache-2.0
// The tensors of each block of layer il, under the names all architectures share.
#pragma once

#include <string>
#include <string_view>

#include "model/blocks/attention.h"
#include "model/blocks/ffn.h"
#include "model/blocks/head.h"
#include "model/blocks/moe.h"
#include "model/hparams.h"
#include "model/weights.h"

namespace wattle {

// "blk.3.attn_q"
std::string layer_tensor(size_t il, std::string_view name);

// Of a matrix of layer il. How finely it is computed: a router is discontinuous: where two experts
// are nearly level, the rounding of activations to 8 bits anywhere before it may pick the other
// one. Where a token has few experts that costs more than all other rounding together, where it has
// many it does not (docs/numerics.md has the figures). So models of few experts a token keep their
// activations at 16 bits, all others at 8, unless one precision was asked for. The experts
// themselves do not: see bind_moe. And who needs it: from the last layer with keys of its own on
// nothing but outputs does, keys and values apart.
Weights::MatrixOptions layer_options(const Weights& weights, const Hparams& hp, size_t il,
                                     Weights::Extras extras);

// Which of attn_k and attn_v a layer has.
enum class KvTensors { both, key_only, none };

// attn_q, attn_k, attn_v or the fused attn_qkv, and attn_output. Not the norms.
AttentionWeights bind_attention(Weights& weights, const Hparams& hp, size_t il,
                                const AttentionShape& shape, KvTensors kv = KvTensors::both,
                                Weights::Extras extras = Weights::Extras::scale);

// attn_q_norm and attn_k_norm.
void bind_qk_norms(Weights& weights, const Hparams& hp, size_t il, AttentionWeights& attention);

// ffn_gate, ffn_up, ffn_down.
FfnWeights bind_ffn(Weights& weights, const Hparams& hp, size_t il,
                    Weights::Extras extras = Weights::Extras::scale);

// ffn_gate_inp, ffn_gate_exps and ffn_up_exps or the fused ffn_gate_up_exps, ffn_down_exps.
MoeWeights bind_moe(Weights& weights, const Hparams& hp, size_t il);

// token_embd.
TensorView bind_embedding(Weights& weights, const Hparams& hp);

// output_norm, and output or else the embedding again.
Head bind_head(Weights& weights, const Hparams& hp);

}  // namespace wattle
