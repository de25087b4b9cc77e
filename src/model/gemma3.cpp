// SPDX-License-Identifier: Apache-2.0
// Gemma 3, text (Gemma 3 technical report, 2025): norms before and after each branch, five
// sliding-window layers to one full layer, each kind with its own rope base, GELU.
#include <cmath>

#include "model/activations.h"
#include "model/bind.h"
#include "model/blocks/embedding.h"
#include "model/blocks/rope.h"
#include "model/output_rows.h"
#include "model/registry.h"

namespace wattle {
namespace {

constexpr uint32_t kDefaultPeriod = 6;

// The 27B model scales its scores by the width of a head as if heads filled the embedding; the file
// has no key for that, so the number of layers is what tells it apart.
constexpr uint32_t kLayersOf27B = 62;

// Every period-th layer is full, the others have a window. A file may also list the layers.
void read_windows(const Keys& keys, Hparams& hp) {
  const auto n_swa = keys.find_u32("attention.sliding_window", {0, INT32_MAX});
  if (!n_swa || *n_swa == 0) return;
  hp.n_swa = *n_swa;
  constexpr auto kPattern = "attention.sliding_window_pattern";
  const gguf::Value* pattern = keys.file().metadata().find_value(keys.name(kPattern));
  if (pattern != nullptr && pattern->type == gguf::ValueType::array) {
    const std::vector<bool> swa = *keys.find_flags(kPattern, hp.n_layer);
    for (uint32_t il = 0; il < hp.n_layer; ++il) hp.layers[il].swa = swa[il];
    return;
  }
  const uint32_t period = keys.find_u32(kPattern, {0, 1024}).value_or(kDefaultPeriod);
  for (uint32_t il = 0; il < hp.n_layer; ++il) {
    hp.layers[il].swa = period == 0 || il % period < period - 1;
  }
}

Hparams read_gemma3_hparams(const Keys& keys) {
  Hparams hp = read_common_hparams(keys);
  read_windows(keys, hp);
  // Positions are scaled (sizes from 4B on) for the full layers only.
  hp.rope_swa = hp.rope;
  hp.rope_swa.freq_scale = 1.0;
  hp.rope_swa.freq_base = keys.find_f32("rope.freq_base_swa", kFreqBaseRange).value_or(10000.0f);
  hp.final_softcap = keys.find_f32("final_logit_softcapping", kSoftcapRange).value_or(0.0f);
  if (hp.n_layer == kLayersOf27B) {
    hp.score_scale = 1.0f / std::sqrt(static_cast<float>(hp.n_embd) / hp.layers[0].n_head);
  }
  return hp;
}

class Gemma3 final : public Model {
 public:
  explicit Gemma3(ModelSource source)
      : Model(source.context, source.device, source.hparams, source.weights.n_batch()),
        output_rows_(source.weights.n_batch()),
        token_embd_(bind_embedding(source.weights, source.hparams)),
        rope_full_({.freq_base = source.hparams.rope.freq_base,
                    .freq_scale = source.hparams.rope.freq_scale,
                    .n_rot = source.hparams.rope.n_rot},
                   n_batch()),
        rope_swa_({.freq_base = source.hparams.rope_swa.freq_base,
                   .n_rot = source.hparams.rope_swa.n_rot},
                  n_batch()) {
    const Hparams& hp = hparams();
    Weights& weights = source.weights;
    const Dim n_embd{"n_embd", hp.n_embd};
    for (size_t il = 0; il < hp.n_layer; ++il) {
      const auto norm = [&](std::string_view name) {
        return weights.norm(layer_tensor(il, name), n_embd, hp.rms_eps);
      };
      Layer& layer = layers_.emplace_back();
      layer.attn_norm = norm("attn_norm");
      layer.attention = bind_attention(weights, hp, il, attention_shape(hp, il));
      bind_qk_norms(weights, hp, il, layer.attention);
      layer.post_attention_norm = norm("post_attention_norm");
      layer.ffn_norm = norm("ffn_norm");
      layer.ffn = bind_ffn(weights, hp, il);
      layer.post_ffw_norm = norm("post_ffw_norm");
    }
    head_ = bind_head(weights, hp);
    activations_ = Activations(hp, n_batch(), source.context.pool.size());
  }

 private:
  struct Layer {
    Norm attn_norm;
    AttentionWeights attention;
    Norm post_attention_norm;
    Norm ffn_norm;
    FfnWeights ffn;
    Norm post_ffw_norm;
  };

  void compute(Step& step, const Batch& batch, const Outputs& outputs) noexcept override {
    MatView<float> h = activations_.h.rows(step.n_rows());
    MatView<float> x = activations_.normed.rows(step.n_rows());
    MatView<float> branch = activations_.branch.rows(step.n_rows());
    std::span<const uint32_t> rows = batch.output_rows;
    rope_full_.prepare(step);
    rope_swa_.prepare(step);
    embed(step, token_embd_, batch.tokens, std::sqrt(static_cast<float>(hparams().n_embd)), h);
    rms_norm(step, h, layers_.front().attn_norm, x);
    for (size_t il = 0; il < layers_.size(); ++il) {
      const Layer& layer = layers_[il];
      const Norm* const next = il + 1 < layers_.size() ? &layers_[il + 1].attn_norm : nullptr;
      Rope& rope = layer.attention.shape.n_swa != 0 ? rope_swa_ : rope_full_;
      if (next != nullptr || rows.size() == step.n_rows()) {
        self_attention(step, x, layer.attention, rope, activations_.attention, branch);
      } else {
        store_keys(step, x, layer.attention, rope, activations_.attention);
        output_rows_.keep(step, rows, {&h, &x, &branch}, {&rope});
        if (rows.empty()) return;
        attend_stored(step, x, layer.attention, rope, activations_.attention, branch);
      }
      add_branch(step, h, branch, {.after = &layer.post_attention_norm, .next = &layer.ffn_norm},
                 x);
      gated_ffn(step, x, layer.ffn, Activation::gelu_tanh, activations_.ffn, branch);
      add_branch(step, h, branch, {.after = &layer.post_ffw_norm, .next = next}, x);
      layer_done(il, h);
    }
    compute_outputs(step, h, rows, head_, activations_.normed, outputs);
  }

  OutputRows output_rows_;
  TensorView token_embd_;
  std::vector<Layer> layers_;
  Head head_;
  Rope rope_full_;
  Rope rope_swa_;
  Activations activations_;
};

}  // namespace

const Architecture kGemma3{
    .name = "gemma3",
    .read_hparams = read_gemma3_hparams,
    .make = [](ModelSource source) -> std::unique_ptr<Model> {
      return std::make_unique<Gemma3>(std::move(source));
    },
};

}  // namespace wattle
