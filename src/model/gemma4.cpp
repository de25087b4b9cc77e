// SPDX-License-Identifier: Apache-2.0
// Gemma 4, text, all sizes (Gemma 4 model cards and the reference implementation in transformers,
// models/gemma4). Beyond Gemma 3, each switched by a key or by the tensors that are there:
//   every size   two head widths (window and full layers), values normed without weight, scores not
//                scaled, proportional rope on full layers (rope_freqs), layer_output_scale
//   12B and up   full layers without attn_v: the values are the raw keys
//   26B-A4B      a mixture of experts beside the dense FFN
//   E2B, E4B     per-layer embeddings; the last layers read the cache of an earlier one
#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "model/activations.h"
#include "model/bind.h"
#include "model/blocks/embedding.h"
#include "model/blocks/per_layer_embedding.h"
#include "model/blocks/rope.h"
#include "model/output_rows.h"
#include "model/registry.h"

namespace wattle {
namespace {

// The head width in the common keys is that of the full layers.
void read_windows(const Keys& keys, Hparams& hp) {
  hp.n_swa = keys.u32("attention.sliding_window", {1, INT32_MAX});
  const auto swa = keys.find_flags("attention.sliding_window_pattern", hp.n_layer);
  if (!swa) keys.fail("attention.sliding_window_pattern", "nothing", "true or false per layer");
  const uint32_t head_dim_k = keys.u32("attention.key_length_swa", kHeadDimRange);
  const uint32_t head_dim_v = keys.u32("attention.value_length_swa", kHeadDimRange);
  for (uint32_t il = 0; il < hp.n_layer; ++il) {
    if (!(*swa)[il]) continue;
    hp.layers[il].swa = true;
    hp.layers[il].head_dim_k = head_dim_k;
    hp.layers[il].head_dim_v = head_dim_v;
  }
  hp.rope_swa.freq_base = keys.find_f32("rope.freq_base_swa", kFreqBaseRange).value_or(10000.0f);
  hp.rope_swa.n_rot =
      keys.find_u32("rope.dimension_count_swa", {2, head_dim_k}).value_or(head_dim_k);
  if (hp.rope_swa.n_rot % 2 != 0) {
    keys.fail("rope.dimension_count_swa", fmt::to_string(hp.rope_swa.n_rot), "an even number");
  }
}

// The layer whose cache layer il reads: of those that own one, the last of its kind.
size_t kv_layer_of(const Hparams& hp, size_t il) {
  const size_t n_kv = hp.n_layer_kv();
  if (il < n_kv) return il;
  return hp.layers[il].swa ? n_kv - 2 : n_kv - 1;
}

void read_shared_kv(const Keys& keys, Hparams& hp) {
  constexpr auto kKey = "attention.shared_kv_layers";
  hp.n_layer_shared_kv = keys.find_u32(kKey, {0, hp.n_layer - 1}).value_or(0);
  const uint32_t n_kv = hp.n_layer_kv();
  for (uint32_t il = n_kv; il < hp.n_layer; ++il) {
    const LayerHparams& layer = hp.layers[il];
    if (n_kv < 2) keys.fail(kKey, fmt::to_string(hp.n_layer_shared_kv), "two layers that own keys");
    const LayerHparams& owner = hp.layers[kv_layer_of(hp, il)];
    if (owner.swa != layer.swa || owner.head_dim_k != layer.head_dim_k ||
        owner.head_dim_v != layer.head_dim_v || owner.n_head_kv != layer.n_head_kv) {
      keys.fail(kKey, fmt::to_string(hp.n_layer_shared_kv),
                fmt::format("layer {} to have heads like those of layer {}, whose keys it reads",
                            il, kv_layer_of(hp, il)));
    }
  }
}

Hparams read_gemma4_hparams(const Keys& keys) {
  Hparams hp = read_common_hparams(keys);
  read_windows(keys, hp);
  read_shared_kv(keys, hp);
  hp.score_scale = 1.0f;
  hp.final_softcap = keys.find_f32("final_logit_softcapping", kSoftcapRange).value_or(0.0f);
  hp.n_embd_per_layer = keys.u32("embedding_length_per_layer_input", {0, kWidthRange.max});
  if (hp.n_expert != 0 && hp.n_ff_exp == 0) {
    keys.fail("expert_feed_forward_length", "nothing", "the width of one expert");
  }
  return hp;
}

// A tensor that one layer has, every layer must have: a file that lost one is not a smaller model.
bool any_layer_has(const Weights& weights, const Hparams& hp, std::string_view name) {
  for (size_t il = 0; il < hp.n_layer; ++il) {
    if (weights.has(layer_tensor(il, name))) return true;
  }
  return false;
}

// Values are the raw keys where no full layer has a projection for them; window layers always do.
KvTensors kv_tensors(const Weights& weights, const Hparams& hp, size_t il) {
  if (il >= hp.n_layer_kv()) return KvTensors::none;
  if (hp.layers[il].swa || hp.layers[il].head_dim_k != hp.layers[il].head_dim_v) {
    return KvTensors::both;
  }
  for (size_t other = 0; other < hp.n_layer_kv(); ++other) {
    if (!hp.layers[other].swa && weights.has(layer_tensor(other, "attn_v.weight")))
      return KvTensors::both;
  }
  return KvTensors::key_only;
}

// Any tensor of the experts makes a layer one that must have them all.
bool has_experts(const Weights& weights, size_t il) {
  for (const std::string_view name :
       {"ffn_gate_inp.weight", "ffn_gate_up_exps.weight", "ffn_gate_exps.weight",
        "ffn_up_exps.weight", "ffn_down_exps.weight", "pre_ffw_norm_2.weight"}) {
    if (weights.has(layer_tensor(il, name))) return true;
  }
  return false;
}

class Gemma4 final : public Model {
 public:
  explicit Gemma4(ModelSource source);

 private:
  struct Layer {
    Norm attn_norm;
    AttentionWeights attention;
    Norm post_attention_norm;
    Norm ffn_norm;
    FfnWeights ffn;
    Norm post_ffw_norm;
    // Layers with experts.
    Norm router_norm;  // the router's input scale, divided by sqrt(n_embd)
    Norm pre_ffw_norm_2;
    MoeWeights moe;
    Norm post_ffw_norm_1;
    Norm post_ffw_norm_2;

    PerLayerWeights per_layer;
    float output_scale = 1.0f;
  };

  void bind_layer(Weights& weights, size_t il, Layer& layer);
  void bind_experts(Weights& weights, size_t il, Layer& layer);
  void bind_per_layer(Weights& weights);

  void compute(Step& step, const Batch& batch, const Outputs& outputs) noexcept override;
  void compute_layer(Step& step, size_t il, std::span<const uint32_t>& rows) noexcept;
  void attention(Step& step, size_t il, std::span<const uint32_t>& rows) noexcept;
  void add_experts(const Step& step, const Layer& layer, MatView<const float> h,
                   MatView<float> dense) noexcept;

  TensorView token_embd_;
  std::optional<PerLayerEmbedding> per_layer_;
  std::vector<Layer> layers_;
  Head head_;
  Rope rope_full_;
  Rope rope_swa_;
  Activations activations_;
  MatBuffer router_x_;    // [n_batch, n_embd]
  MatBuffer expert_sum_;  // [n_batch, n_embd]
  OutputRows output_rows_;
};

// ---- the forward pass ----

void Gemma4::compute(Step& step, const Batch& batch, const Outputs& outputs) noexcept {
  const MatView<float> h = activations_.h.rows(step.n_rows());
  rope_full_.prepare(step);
  rope_swa_.prepare(step);
  embed(step, token_embd_, batch.tokens, std::sqrt(static_cast<float>(hparams().n_embd)), h);
  if (per_layer_) per_layer_->prepare(step, batch.tokens, h);
  std::span<const uint32_t> rows = batch.output_rows;
  for (size_t il = 0; il < layers_.size(); ++il) {
    compute_layer(step, il, rows);
    if (step.n_rows() == 0) return;
    layer_done(il, activations_.h.rows(step.n_rows()));
  }
  compute_outputs(step, activations_.h.rows(step.n_rows()), rows, head_, activations_.normed,
                  outputs);
}

// activations_.branch = attention of layer il, of the rows that go on from there.
void Gemma4::attention(Step& step, size_t il, std::span<const uint32_t>& rows) noexcept {
  const Layer& layer = layers_[il];
  const AttentionWeights& w = layer.attention;
  const size_t n_layer_kv = hparams().n_layer_kv();
  const Rope& rope = w.shape.n_swa != 0 ? rope_swa_ : rope_full_;
  MatView<float> h = activations_.h.rows(step.n_rows());
  MatView<float> x = activations_.normed.rows(step.n_rows());
  rms_norm(step, h, layer.attn_norm, x);
  if (!hparams().outputs_only(il) || (il < n_layer_kv && rows.size() == step.n_rows())) {
    self_attention(step, x, w, rope, activations_.attention, activations_.branch.rows(x.n_rows));
    return;
  }
  if (il < n_layer_kv) {
    store_keys(step, x, w, rope, activations_.attention);
    if (per_layer_) per_layer_->keep_rows(rows);
    output_rows_.keep(step, rows, {&h, &x}, {&rope_full_, &rope_swa_});
    if (rows.empty()) return;
  }
  attend_stored(step, x, w, rope, activations_.attention, activations_.branch.rows(x.n_rows));
}

void Gemma4::compute_layer(Step& step, size_t il, std::span<const uint32_t>& rows) noexcept {
  const Layer& layer = layers_[il];
  attention(step, il, rows);
  if (step.n_rows() == 0) return;
  const MatView<float> h = activations_.h.rows(step.n_rows());
  const MatView<float> x = activations_.normed.rows(step.n_rows());
  const MatView<float> branch = activations_.branch.rows(step.n_rows());
  add_branch(step, h, branch, {.after = &layer.post_attention_norm, .next = &layer.ffn_norm}, x);

  gated_ffn(step, x, layer.ffn, Activation::gelu_tanh, activations_.ffn, branch);
  if (layer.moe.router) add_experts(step, layer, h, branch);
  add_branch(step, h, branch, {.after = &layer.post_ffw_norm});

  if (per_layer_) per_layer_->add_to(step, il, layer.per_layer, h, branch);
  if (layer.output_scale != 1.0f) scale(step, h, layer.output_scale);
}

// dense = norm_1(dense) + norm_2(experts): both branches start from h.
void Gemma4::add_experts(const Step& step, const Layer& layer, MatView<const float> h,
                         MatView<float> dense) noexcept {
  const MatView<float> x = activations_.normed.rows(step.n_rows());
  const MatView<float> router_x = router_x_.rows(step.n_rows());
  const MatView<float> experts = expert_sum_.rows(step.n_rows());
  rms_norm(step, dense, layer.post_ffw_norm_1, dense);
  rms_norm(step, h, layer.router_norm, router_x);
  rms_norm(step, h, layer.pre_ffw_norm_2, x);
  mixture_of_experts(step, router_x, x, layer.moe, Activation::gelu_tanh, activations_.moe,
                     experts);
  add_branch(step, dense, experts, {.after = &layer.post_ffw_norm_2});
}

// ---- the weights ----

Gemma4::Gemma4(ModelSource source)
    : Model(source.context, source.device, source.hparams, source.weights.n_batch()),
      output_rows_(n_batch()) {
  const Hparams& hp = hparams();
  Weights& weights = source.weights;
  const Dim n_pairs{"n_rot/2", hp.rope.n_rot / 2};
  rope_full_ = Rope({.freq_base = hp.rope.freq_base,
                     .freq_scale = hp.rope.freq_scale,
                     .n_rot = hp.rope.n_rot,
                     .factors = weights.vector("rope_freqs.weight", n_pairs)},
                    n_batch());
  rope_swa_ = Rope({.freq_base = hp.rope_swa.freq_base, .n_rot = hp.rope_swa.n_rot}, n_batch());
  token_embd_ = bind_embedding(weights, hp);
  if (hp.n_embd_per_layer != 0) bind_per_layer(weights);
  layers_.resize(hp.n_layer);
  for (size_t il = 0; il < hp.n_layer; ++il) bind_layer(weights, il, layers_[il]);
  head_ = bind_head(weights, hp);
  activations_ = Activations(hp, n_batch(), source.context.pool.size());
  if (hp.n_expert != 0) {
    router_x_ = MatBuffer(n_batch(), hp.n_embd);
    expert_sum_ = MatBuffer(n_batch(), hp.n_embd);
  }
}

void Gemma4::bind_layer(Weights& weights, size_t il, Layer& layer) {
  const Hparams& hp = hparams();
  const auto norm = [&](std::string_view name, uint32_t n) {
    return weights.norm(layer_tensor(il, name), {"n", n}, hp.rms_eps);
  };
  AttentionShape shape = attention_shape(hp, il);
  shape.kv_layer = kv_layer_of(hp, il);
  layer.attn_norm = norm("attn_norm", hp.n_embd);
  layer.attention = bind_attention(weights, hp, il, shape, kv_tensors(weights, hp, il));
  layer.attention.q_norm = norm("attn_q_norm", shape.head_dim_k);
  if (il < hp.n_layer_kv()) {
    layer.attention.k_norm = norm("attn_k_norm", shape.head_dim_k);
    layer.attention.v_norm = Norm{.weight = {}, .eps = hp.rms_eps};
  }
  layer.post_attention_norm = norm("post_attention_norm", hp.n_embd);
  layer.ffn_norm = norm("ffn_norm", hp.n_embd);
  layer.ffn = bind_ffn(weights, hp, il);
  layer.post_ffw_norm = norm("post_ffw_norm", hp.n_embd);
  if (has_experts(weights, il)) bind_experts(weights, il, layer);
  if (per_layer_) {
    const Dim n_embd{"n_embd", hp.n_embd};
    const Dim n{"n_embd_per_layer", hp.n_embd_per_layer};
    const Weights::MatrixOptions options = layer_options(weights, hp, il, Weights::Extras::scale);
    layer.per_layer.gate = weights.projection(layer_tensor(il, "inp_gate"), n, n_embd, options);
    layer.per_layer.proj = weights.projection(layer_tensor(il, "proj"), n_embd, n, options);
    layer.per_layer.post_norm = norm("post_norm", hp.n_embd);
  }
  if (any_layer_has(weights, hp, "layer_output_scale.weight")) {
    layer.output_scale = weights.vector(layer_tensor(il, "layer_output_scale.weight"), {"1", 1})[0];
  }
}

void Gemma4::bind_experts(Weights& weights, size_t il, Layer& layer) {
  const Hparams& hp = hparams();
  const Dim n_embd{"n_embd", hp.n_embd};
  const auto norm = [&](std::string_view name) {
    return weights.norm(layer_tensor(il, name), n_embd, hp.rms_eps);
  };
  layer.router_norm = {.weight = weights.vector(layer_tensor(il, "ffn_gate_inp.scale"), n_embd),
                       .eps = hp.rms_eps};
  for (float& w : layer.router_norm.weight) w /= std::sqrt(static_cast<float>(hp.n_embd));
  layer.pre_ffw_norm_2 = norm("pre_ffw_norm_2");
  layer.moe = bind_moe(weights, hp, il);
  if (any_layer_has(weights, hp, "ffn_down_exps.scale")) {
    layer.moe.down_scale =
        weights.vector(layer_tensor(il, "ffn_down_exps.scale"), {"n_expert", hp.n_expert});
  }
  layer.post_ffw_norm_1 = norm("post_ffw_norm_1");
  layer.post_ffw_norm_2 = norm("post_ffw_norm_2");
}

void Gemma4::bind_per_layer(Weights& weights) {
  const Hparams& hp = hparams();
  const Dim n_embd{"n_embd", hp.n_embd};
  const Dim n{"n_embd_per_layer", hp.n_embd_per_layer};
  const Dim n_all{"n_layer*n_embd_per_layer", uint64_t{hp.n_layer} * hp.n_embd_per_layer};
  PerLayerTables tables{.token_embd = weights.required("per_layer_token_embd.weight",
                                                       {{"n_vocab", hp.n_vocab}, n_all}),
                        .model_proj = weights.projection("per_layer_model_proj", n_all, n_embd, {}),
                        .proj_norm = weights.norm("per_layer_proj_norm", n, hp.rms_eps)};
  per_layer_.emplace(std::move(tables), hp.n_layer, n_batch());
}

}  // namespace

const Architecture kGemma4{
    .name = "gemma4",
    .read_hparams = read_gemma4_hparams,
    .make = [](ModelSource source) -> std::unique_ptr<Model> {
      return std::make_unique<Gemma4>(std::move(source));
    },
};

}  // namespace wattle
