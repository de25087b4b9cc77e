// SPDX-License-Identifier: Apache-2.0
// Qwen3, dense (Qwen3 technical report, 2025): the plain pre-norm transformer with a norm over each
// head of the queries and keys before they are rotated.
#include "model/activations.h"
#include "model/bind.h"
#include "model/blocks/embedding.h"
#include "model/blocks/rope.h"
#include "model/registry.h"

namespace wattle {
namespace {

class Qwen3 final : public Model {
 public:
  explicit Qwen3(ModelSource source)
      : Model(source.context, source.device, source.hparams, source.weights.n_batch()),
        token_embd_(bind_embedding(source.weights, source.hparams)),
        rope_({.freq_base = source.hparams.rope.freq_base,
               .freq_scale = source.hparams.rope.freq_scale,
               .n_rot = source.hparams.rope.n_rot},
              n_batch()) {
    const Hparams& hp = hparams();
    Weights& weights = source.weights;
    const Dim n_embd{"n_embd", hp.n_embd};
    const std::vector<AttentionShape> shapes = attention_shapes(hp);
    for (size_t il = 0; il < hp.n_layer; ++il) {
      Layer& layer = layers_.emplace_back();
      layer.shape = shapes[il];
      layer.attn_norm = weights.norm(layer_tensor(il, "attn_norm"), n_embd, hp.rms_eps);
      layer.attention = bind_attention(weights, hp, il, layer.shape);
      bind_qk_norms(weights, hp, il, layer.attention);
      layer.ffn_norm = weights.norm(layer_tensor(il, "ffn_norm"), n_embd, hp.rms_eps);
      layer.ffn = bind_ffn(weights, hp, il);
    }
    head_ = bind_head(weights, hp);
    activations_ = Activations(hp, n_batch(), source.context.pool.size());
  }

 private:
  struct Layer {
    AttentionShape shape;
    Norm attn_norm;
    AttentionWeights attention;
    Norm ffn_norm;
    FfnWeights ffn;
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
      gated_ffn(step, x, layer.ffn, Activation::silu, activations_.ffn, branch);
      add(step, h, branch);
      layer_done(il, h);
    }
    compute_logits(step, h, batch.logits_rows, head_, activations_.normed, logits);
  }

  void attention(const Step& step, const Layer& layer, MatView<const float> x,
                 MatView<float> out) noexcept {
    const AttentionWeights& w = layer.attention;
    const auto [q, k, v] = project_qkv(step, x, w, layer.shape, activations_.attention);
    rms_norm_heads(step, q, layer.shape.head_dim_k, w.q_norm);
    rms_norm_heads(step, k, layer.shape.head_dim_k, w.k_norm);
    rope_.rotate(step, q, layer.shape.head_dim_k);
    rope_.rotate(step, k, layer.shape.head_dim_k);
    store_kv(step, layer.shape, k, v);
    const MatView<float> heads = attend(step, layer.shape, q, activations_.attention);
    project(step, heads, {{w.output, out}});
  }

  TensorView token_embd_;
  std::vector<Layer> layers_;
  Head head_;
  Rope rope_;
  Activations activations_;
};

}  // namespace

const Architecture kQwen3{
    .name = "qwen3",
    .read_hparams = read_common_hparams,
    .make = [](ModelSource source) -> std::unique_ptr<Model> {
      return std::make_unique<Qwen3>(std::move(source));
    },
};

}  // namespace wattle
