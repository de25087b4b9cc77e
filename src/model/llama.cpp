// SPDX-License-Identifier: Apache-2.0
// Llama (Touvron et al. 2023; Llama 3), and what shares its form: Mistral 7B, SmolLM, Mixtral.
// The plain pre-norm transformer; an expert count in the file makes its FFN a mixture of experts.
#include <fmt/format.h>

#include "model/activations.h"
#include "model/bind.h"
#include "model/blocks/embedding.h"
#include "model/blocks/rope.h"
#include "model/registry.h"

namespace wattle {
namespace {

Hparams read_llama_hparams(const Keys& keys) {
  Hparams hp = read_common_hparams(keys);
  if (hp.rope.n_rot != hp.layers[0].head_dim_k) {
    keys.refuse("rope.dimension_count", fmt::to_string(hp.rope.n_rot),
                fmt::format("the head dimension {}", hp.layers[0].head_dim_k));
  }
  if (hp.n_expert != 0 && hp.n_ff_exp == 0) hp.n_ff_exp = hp.layers[0].n_ff;
  return hp;
}

class Llama final : public Model {
 public:
  explicit Llama(ModelSource source)
      : Model(source.context, source.device, source.hparams, source.weights.n_batch()) {
    const Hparams& hp = hparams();
    Weights& weights = source.weights;
    const Dim n_embd{"n_embd", hp.n_embd};
    // Llama 3.1 stretches its low frequencies; older models have no such tensor.
    const std::vector<float> factors =
        weights.optional_vector("rope_freqs.weight", {"n_rot/2", hp.rope.n_rot / 2});
    rope_ = Rope({.freq_base = hp.rope.freq_base,
                  .freq_scale = hp.rope.freq_scale,
                  .n_rot = hp.rope.n_rot,
                  .style = RopeStyle::norm,
                  .factors = factors},
                 n_batch());
    token_embd_ = bind_embedding(weights, hp);
    const std::vector<AttentionShape> shapes = attention_shapes(hp);
    for (size_t il = 0; il < hp.n_layer; ++il) {
      Layer& layer = layers_.emplace_back();
      layer.shape = shapes[il];
      layer.attn_norm = weights.norm(layer_tensor(il, "attn_norm"), n_embd, hp.rms_eps);
      layer.attention = bind_attention(weights, hp, il, layer.shape, KvTensors::both, kExtras);
      layer.ffn_norm = weights.norm(layer_tensor(il, "ffn_norm"), n_embd, hp.rms_eps);
      if (hp.n_expert == 0) {
        layer.ffn = bind_ffn(weights, hp, il, kExtras);
      } else {
        layer.moe = bind_moe(weights, hp, il);
      }
    }
    head_ = bind_head(weights, hp);
    activations_ = Activations(hp, n_batch(), source.context.pool.size());
  }

 private:
  static constexpr Weights::Extras kExtras = Weights::Extras::scale_and_bias;

  struct Layer {
    AttentionShape shape;
    Norm attn_norm;
    AttentionWeights attention;
    Norm ffn_norm;
    FfnWeights ffn;  // or
    MoeWeights moe;
  };

  void compute(Step& step, const Batch& batch, MatView<float> logits) noexcept override {
    const MatView<float> h = activations_.h.rows(step.n_rows());
    const MatView<float> x = activations_.normed.rows(step.n_rows());
    const MatView<float> branch = activations_.branch.rows(step.n_rows());
    rope_.prepare(step);
    embed(step, token_embd_, batch.tokens, 1.0f, h);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& layer = layers_[il];
      rms_norm(step, h, layer.attn_norm, x);
      attention(step, layer, x, branch);
      add(step, h, branch);
      rms_norm(step, h, layer.ffn_norm, x);
      ffn(step, layer, x, branch);
      add(step, h, branch);
      layer_done(il, h);
    }
    compute_logits(step, h, batch.logits_rows, head_, activations_.normed, logits);
  }

  void attention(const Step& step, const Layer& layer, MatView<const float> x,
                 MatView<float> out) noexcept {
    const auto [q, k, v] =
        project_qkv(step, x, layer.attention, layer.shape, activations_.attention);
    rope_.rotate(step, q, layer.shape.head_dim_k);
    rope_.rotate(step, k, layer.shape.head_dim_k);
    store_kv(step, layer.shape, k, v);
    const MatView<float> heads = attend(step, layer.shape, q, activations_.attention);
    project(step, heads, {{layer.attention.output, out}});
  }

  void ffn(const Step& step, const Layer& layer, MatView<const float> x,
           MatView<float> out) noexcept {
    if (layer.moe.router) {
      mixture_of_experts(step, x, x, layer.moe, Activation::silu, activations_.moe, out);
    } else {
      gated_ffn(step, x, layer.ffn, Activation::silu, activations_.ffn, out);
    }
  }

  TensorView token_embd_;
  std::vector<Layer> layers_;
  Head head_;
  Rope rope_;
  Activations activations_;
};

}  // namespace

const Architecture kLlama{
    .name = "llama",
    .read_hparams = read_llama_hparams,
    .make = [](ModelSource source) -> std::unique_ptr<Model> {
      return std::make_unique<Llama>(std::move(source));
    },
};

}  // namespace wattle
