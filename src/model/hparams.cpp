// SPDX-License-Identifier: Apache-2.0
#include "model/hparams.h"

#include <fmt/format.h>

#include <cmath>

#include "wattle/error.h"

namespace wattle {
namespace {

// Far above any model there is, and low enough that no product of two of them overflows 64 bits.
constexpr U32Range kLayers{1, 1024};
constexpr U32Range kContext{1, INT32_MAX};
constexpr U32Range kHeads{1, 1024};
constexpr U32Range kFfnWidth{1, 1u << 20};
constexpr U32Range kExperts{0, 1024};
constexpr U32Range kVocabulary{1, 1u << 24};
constexpr uint32_t kSoftmaxGating = 1;  // 0: not said
constexpr F32Range kEpsilon{0.0f, 1.0f};
constexpr F32Range kScalingFactor{0.0f, 1e6f};
constexpr F32Range kWeightsScale{-1e6f, 1e6f};

// The tokenizer decides; a file without one may say it itself, and the embedding knows in any case.
uint32_t read_n_vocab(const Keys& keys) {
  const auto in_range = [](uint64_t n) { return n >= kVocabulary.min && n <= kVocabulary.max; };
  const auto expected = fmt::format("{} to {}", kVocabulary.min, kVocabulary.max);
  if (const gguf::Value* tokens = keys.file().metadata().find_value("tokenizer.ggml.tokens")) {
    if (!in_range(tokens->count))
      keys.fail("vocab_size", fmt::format("{} tokens", tokens->count), expected);
    return static_cast<uint32_t>(tokens->count);
  }
  if (const auto n = keys.find_u32("vocab_size", kVocabulary)) return *n;
  const uint64_t n = keys.file().get("token_embd.weight").shape[0];
  if (!in_range(n)) keys.fail("vocab_size", fmt::format("{} embeddings", n), expected);
  return static_cast<uint32_t>(n);
}

uint32_t default_head_dim(const Keys& keys, uint32_t n_embd, uint32_t n_head) {
  if (n_embd % n_head != 0) {
    keys.fail("attention.head_count", fmt::to_string(n_head),
              fmt::format("a divisor of embedding_length {}, where there is no "
                          "attention.key_length",
                          n_embd));
  }
  return n_embd / n_head;
}

std::vector<LayerHparams> read_layers(const Keys& keys, uint32_t n_layer, uint32_t n_embd) {
  const auto n_head = keys.find_per_layer("attention.head_count", n_layer, kHeads);
  if (!n_head) keys.fail("attention.head_count", "nothing", "the number of attention heads");
  const auto n_head_kv = keys.find_per_layer("attention.head_count_kv", n_layer, kHeads);
  const auto n_ff = keys.find_per_layer("feed_forward_length", n_layer, kFfnWidth);
  const auto head_dim_k = keys.find_u32("attention.key_length", kHeadDimRange);
  const auto head_dim_v = keys.find_u32("attention.value_length", kHeadDimRange);

  std::vector<LayerHparams> layers(n_layer);
  for (uint32_t il = 0; il < n_layer; ++il) {
    LayerHparams& layer = layers[il];
    layer.n_head = (*n_head)[il];
    layer.n_head_kv = n_head_kv ? (*n_head_kv)[il] : layer.n_head;
    if (layer.n_head % layer.n_head_kv != 0) {
      keys.fail("attention.head_count_kv", fmt::format("{} in layer {}", layer.n_head_kv, il),
                fmt::format("a divisor of attention.head_count {}", layer.n_head));
    }
    layer.head_dim_k = head_dim_k ? *head_dim_k : default_head_dim(keys, n_embd, layer.n_head);
    layer.head_dim_v = head_dim_v ? *head_dim_v : default_head_dim(keys, n_embd, layer.n_head);
    layer.n_ff = n_ff ? (*n_ff)[il] : 0;
  }
  return layers;
}

// Linear scaling divides positions by a factor. What else a file may ask for (yarn, longrope)
// changes the angles in other ways, and ignoring that would give quietly wrong text.
double read_freq_scale(const Keys& keys) {
  const auto type = keys.find_string("rope.scaling.type");
  if (type && *type == "none") return 1.0;
  if (type && *type != "linear") keys.refuse("rope.scaling.type", *type, "none, linear");
  auto factor = keys.find_f32("rope.scaling.factor", kScalingFactor);
  if (!factor) factor = keys.find_f32("rope.scale_linear", kScalingFactor);  // older files
  return factor && *factor != 0.0f ? 1.0 / *factor : 1.0;
}

RopeHparams read_rope(const Keys& keys, const LayerHparams& layer) {
  RopeHparams rope;
  rope.freq_base = keys.find_f32("rope.freq_base", kFreqBaseRange).value_or(10000.0f);
  rope.freq_scale = read_freq_scale(keys);
  rope.n_rot =
      keys.find_u32("rope.dimension_count", {2, layer.head_dim_k}).value_or(layer.head_dim_k);
  if (rope.n_rot % 2 != 0) {
    keys.fail("rope.dimension_count", fmt::to_string(rope.n_rot), "an even number");
  }
  return rope;
}

// Gemma 4 12B has some. A key of the tokenizer, but what it asks for is a matter of the logits.
std::vector<TokenId> read_suppressed_tokens(const Keys& keys, uint32_t n_vocab) {
  constexpr auto kKey = "tokenizer.ggml.suppress_tokens";
  std::vector<TokenId> tokens;
  for (const int32_t id :
       keys.file().metadata().find_array<int32_t>(kKey).value_or(std::vector<int32_t>{})) {
    if (id < 0 || static_cast<uint32_t>(id) >= n_vocab) {
      throw Error(ErrorCode::bad_input, fmt::format("{}: key '{}': token {}, expected 0 to {}",
                                                    keys.file().name(), kKey, id, n_vocab - 1));
    }
    tokens.push_back(TokenId{id});
  }
  return tokens;
}

// 0: the architecture has its own default. Newer writers list a width per layer.
uint32_t read_n_ff_exp(const Keys& keys, uint32_t n_layer) {
  constexpr auto kKey = "expert_feed_forward_length";
  const auto widths = keys.find_per_layer(kKey, n_layer, kFfnWidth);
  if (!widths) return 0;
  for (const uint32_t width : *widths) {
    if (width != widths->front()) {
      keys.refuse(kKey, fmt::format("{} and {}", widths->front(), width),
                  "one width for all layers");
    }
  }
  return widths->front();
}

}  // namespace

Hparams read_common_hparams(const Keys& keys) {
  Hparams hp;
  hp.arch = keys.arch();
  hp.n_layer = keys.u32("block_count", kLayers);
  hp.n_ctx_train = keys.u32("context_length", kContext);
  hp.n_embd = keys.u32("embedding_length", kWidthRange);
  hp.n_vocab = read_n_vocab(keys);
  hp.suppressed_tokens = read_suppressed_tokens(keys, hp.n_vocab);
  const auto eps = keys.find_f32("attention.layer_norm_rms_epsilon", kEpsilon);
  if (!eps) keys.fail("attention.layer_norm_rms_epsilon", "nothing", "a small number");
  hp.rms_eps = *eps;
  hp.layers = read_layers(keys, hp.n_layer, hp.n_embd);
  hp.rope = read_rope(keys, hp.layers[0]);
  hp.score_scale = 1.0f / std::sqrt(static_cast<float>(hp.layers[0].head_dim_k));

  hp.n_expert = keys.find_u32("expert_count", kExperts).value_or(0);
  if (hp.n_expert != 0) {
    hp.n_expert_used = keys.u32("expert_used_count", {1, hp.n_expert});
    hp.n_ff_exp = read_n_ff_exp(keys, hp.n_layer);
    const auto gating = keys.find_u32("expert_gating_func", {0, UINT32_MAX});
    if (gating && *gating > kSoftmaxGating) {
      keys.refuse("expert_gating_func", fmt::to_string(*gating), "1 (softmax)");
    }
    const float scale = keys.find_f32("expert_weights_scale", kWeightsScale).value_or(0.0f);
    if (scale != 0.0f) hp.expert_weights_scale = scale;
  }
  return hp;
}

KvShape kv_shape(const Hparams& hparams) {
  KvShape shape{.n_swa = hparams.n_swa};
  for (uint32_t il = 0; il < hparams.n_layer_kv(); ++il) {
    const LayerHparams& layer = hparams.layers[il];
    shape.layers.push_back({.n_head_kv = layer.n_head_kv,
                            .head_dim_k = layer.head_dim_k,
                            .head_dim_v = layer.head_dim_v,
                            .swa = layer.swa});
  }
  return shape;
}

}  // namespace wattle
