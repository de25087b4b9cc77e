// SPDX-License-Identifier: Apache-2.0
#include "model/plain_transformer.h"

#include <utility>
#include <vector>

#include "model/activations.h"
#include "model/bind.h"
#include "model/blocks/embedding.h"
#include "model/output_rows.h"

namespace wattle {
namespace {

class PlainTransformer final : public Model {
 public:
  PlainTransformer(ModelSource source, const PlainTransformerOptions& options)
      : Model(source.context, source.device, source.hparams, source.weights.n_batch()),
        output_rows_(source.weights.n_batch()),
        token_embd_(bind_embedding(source.weights, source.hparams)) {
    const Hparams& hp = hparams();
    Weights& weights = source.weights;
    const Dim n_embd{"n_embd", hp.n_embd};
    RopeParams rope{.freq_base = hp.rope.freq_base,
                    .freq_scale = hp.rope.freq_scale,
                    .n_rot = hp.rope.n_rot,
                    .style = options.rope_style};
    if (options.rope_factors) {
      rope.factors = weights.optional_vector("rope_freqs.weight", {"n_rot/2", hp.rope.n_rot / 2});
    }
    rope_ = Rope(rope, n_batch());
    for (size_t il = 0; il < hp.n_layer; ++il) {
      Layer& layer = layers_.emplace_back();
      layer.attn_norm = weights.norm(layer_tensor(il, "attn_norm"), n_embd, hp.rms_eps);
      layer.attention =
          bind_attention(weights, hp, il, attention_shape(hp, il), KvTensors::both, options.extras);
      if (options.qk_norms) bind_qk_norms(weights, hp, il, layer.attention);
      layer.ffn_norm = weights.norm(layer_tensor(il, "ffn_norm"), n_embd, hp.rms_eps);
      if (hp.n_expert == 0) {
        layer.ffn = bind_ffn(weights, hp, il, options.extras);
      } else {
        layer.moe = bind_moe(weights, hp, il);
      }
    }
    head_ = bind_head(weights, hp);
    activations_ = Activations(hp, n_batch(), source.context.pool.size());
  }

 private:
  struct Layer {
    Norm attn_norm;
    AttentionWeights attention;
    Norm ffn_norm;
    FfnWeights ffn;  // or
    MoeWeights moe;
  };

  void compute(Step& step, const Batch& batch, const Outputs& outputs) noexcept override {
    MatView<float> h = activations_.h.rows(step.n_rows());
    MatView<float> x = activations_.normed.rows(step.n_rows());
    MatView<float> branch = activations_.branch.rows(step.n_rows());
    std::span<const uint32_t> rows = batch.output_rows;
    rope_.prepare(step);
    embed(step, token_embd_, batch.tokens, 1.0f, h);
    rms_norm(step, h, layers_.front().attn_norm, x);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& layer = layers_[il];
      const Norm* const next = il + 1 < layers_.size() ? &layers_[il + 1].attn_norm : nullptr;
      if (next != nullptr || rows.size() == step.n_rows()) {
        self_attention(step, x, layer.attention, rope_, activations_.attention, branch);
      } else {
        store_keys(step, x, layer.attention, rope_, activations_.attention);
        output_rows_.keep(step, rows, {&h, &x, &branch}, {&rope_});
        if (rows.empty()) return;
        attend_stored(step, x, layer.attention, rope_, activations_.attention, branch);
      }
      add_branch(step, h, branch, {.next = &layer.ffn_norm}, x);
      ffn(step, layer, x, branch);
      add_branch(step, h, branch, {.next = next}, x);
      layer_done(il, h);
    }
    compute_outputs(step, h, rows, head_, activations_.normed, outputs);
  }

  void ffn(const Step& step, const Layer& layer, MatView<const float> x,
           MatView<float> out) noexcept {
    if (layer.moe.router) {
      mixture_of_experts(step, x, x, layer.moe, Activation::silu, activations_.moe, out);
    } else {
      gated_ffn(step, x, layer.ffn, Activation::silu, activations_.ffn, out);
    }
  }

  OutputRows output_rows_;
  TensorView token_embd_;
  std::vector<Layer> layers_;
  Head head_;
  Rope rope_;
  Activations activations_;
};

}  // namespace

std::unique_ptr<Model> make_plain_transformer(ModelSource source,
                                              const PlainTransformerOptions& options) {
  return std::make_unique<PlainTransformer>(std::move(source), options);
}

}  // namespace wattle
