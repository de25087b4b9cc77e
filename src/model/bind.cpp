// SPDX-License-Identifier: Apache-2.0
#include "model/bind.h"

#include <fmt/format.h>

namespace wattle {
namespace {

// Of so few experts a token, one that is taken for another is a third of what they add up to, or
// more.
constexpr uint32_t kFewExperts = 3;

}  // namespace

std::string layer_tensor(size_t il, std::string_view name) {
  return fmt::format("blk.{}.{}", il, name);
}

Weights::MatrixOptions layer_options(const Weights& weights, const Hparams& hp, size_t il,
                                     Weights::Extras extras) {
  const bool few_experts = hp.n_expert != 0 && hp.n_expert_used <= kFewExperts;
  const Precision of_model = few_experts ? Precision::fine : Precision::normal;
  return {.extras = extras,
          .precision = weights.precision_or(of_model),
          .outputs_only = hp.outputs_only(il)};
}

AttentionWeights bind_attention(Weights& weights, const Hparams& hp, size_t il,
                                const AttentionShape& shape, KvTensors kv, Weights::Extras extras) {
  const Dim n_embd{"n_embd", hp.n_embd};
  const Dim n_q{"n_head*head_dim_k", shape.n_q()};
  const Dim n_k{"n_head_kv*head_dim_k", shape.n_k()};
  const Dim n_v{"n_head_kv*head_dim_v", shape.n_v()};
  const Weights::MatrixOptions options = layer_options(weights, hp, il, extras);
  Weights::MatrixOptions of_keys = options;
  of_keys.outputs_only = il >= hp.n_layer_kv();
  AttentionWeights attention;
  attention.shape = shape;
  if (weights.has(layer_tensor(il, "attn_qkv.weight"))) {
    const Dim n_qkv{"q+k+v", shape.n_q() + shape.n_k() + shape.n_v()};
    attention.qkv = weights.projection(layer_tensor(il, "attn_qkv"), n_qkv, n_embd, of_keys);
  } else {
    attention.q = weights.projection(layer_tensor(il, "attn_q"), n_q, n_embd, options);
    if (kv != KvTensors::none) {
      attention.k = weights.projection(layer_tensor(il, "attn_k"), n_k, n_embd, of_keys);
    }
    if (kv == KvTensors::both) {
      attention.v = weights.projection(layer_tensor(il, "attn_v"), n_v, n_embd, of_keys);
    }
  }
  attention.output = weights.projection(layer_tensor(il, "attn_output"), n_embd,
                                        {"n_head*head_dim_v", shape.n_out()}, options);
  attention.shape.may_round = attention.output.linear->rounds_input();
  return attention;
}

void bind_qk_norms(Weights& weights, const Hparams& hp, size_t il, AttentionWeights& attention) {
  const Dim head_dim{"head_dim_k", hp.layers[il].head_dim_k};
  attention.q_norm = weights.norm(layer_tensor(il, "attn_q_norm"), head_dim, hp.rms_eps);
  attention.k_norm = weights.norm(layer_tensor(il, "attn_k_norm"), head_dim, hp.rms_eps);
}

FfnWeights bind_ffn(Weights& weights, const Hparams& hp, size_t il, Weights::Extras extras) {
  const Dim n_embd{"n_embd", hp.n_embd};
  const Dim n_ff{"n_ff", hp.layers[il].n_ff};
  const Weights::MatrixOptions options = layer_options(weights, hp, il, extras);
  return {.gate = weights.projection(layer_tensor(il, "ffn_gate"), n_ff, n_embd, options),
          .up = weights.projection(layer_tensor(il, "ffn_up"), n_ff, n_embd, options),
          .down = weights.projection(layer_tensor(il, "ffn_down"), n_embd, n_ff, options)};
}

MoeWeights bind_moe(Weights& weights, const Hparams& hp, size_t il) {
  const Dim n_embd{"n_embd", hp.n_embd};
  const Dim n_expert{"n_expert", hp.n_expert};
  const Dim n_ff_exp{"n_ff_exp", hp.n_ff_exp};
  const size_t n_slots = weights.n_batch() * hp.n_expert_used;
  // Normal precision: of all matrices of a layer the experts' rounding moves the routers after them
  // least, and they are most of the work (docs/numerics.md).
  const PrepareOptions from_rows{.max_rows = weights.n_batch(),
                                 .max_slots = n_slots,
                                 .precision = weights.precision_or(Precision::normal),
                                 .outputs_only = hp.outputs_only(il)};
  PrepareOptions from_slots = from_rows;
  from_slots.max_rows = n_slots;
  MoeWeights moe;
  moe.n_used = hp.n_expert_used;
  moe.weights_scale = hp.expert_weights_scale;
  moe.router = weights.projection(layer_tensor(il, "ffn_gate_inp"), n_expert, n_embd,
                                  layer_options(weights, hp, il, Weights::Extras::bare));
  if (weights.has(layer_tensor(il, "ffn_gate_up_exps.weight"))) {
    moe.gate_up = weights.experts(layer_tensor(il, "ffn_gate_up_exps"), n_expert,
                                  {"2*n_ff_exp", 2 * uint64_t{hp.n_ff_exp}}, n_embd, from_rows);
  } else {
    moe.gate =
        weights.experts(layer_tensor(il, "ffn_gate_exps"), n_expert, n_ff_exp, n_embd, from_rows);
    moe.up =
        weights.experts(layer_tensor(il, "ffn_up_exps"), n_expert, n_ff_exp, n_embd, from_rows);
  }
  moe.down =
      weights.experts(layer_tensor(il, "ffn_down_exps"), n_expert, n_embd, n_ff_exp, from_slots);
  return moe;
}

TensorView bind_embedding(Weights& weights, const Hparams& hp) {
  return weights.required("token_embd.weight", {{"n_vocab", hp.n_vocab}, {"n_embd", hp.n_embd}});
}

Head bind_head(Weights& weights, const Hparams& hp) {
  const Dim n_vocab{"n_vocab", hp.n_vocab};
  const Dim n_embd{"n_embd", hp.n_embd};
  const Weights::MatrixOptions of_outputs{.outputs_only = true};
  Head head{.norm = weights.norm("output_norm", n_embd, hp.rms_eps),
            .output = weights.optional_projection("output", n_vocab, n_embd, of_outputs),
            .softcap = hp.final_softcap,
            .suppressed = hp.suppressed_tokens};
  if (!head.output) head.output = weights.projection("token_embd", n_vocab, n_embd, of_outputs);
  return head;
}

}  // namespace wattle
