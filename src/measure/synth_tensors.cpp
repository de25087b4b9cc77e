// SPDX-License-Identifier: Apache-2.0
#include "measure/synth_tensors.h"

#include <fmt/format.h>

#include <cmath>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace wattle::measure {
namespace {

constexpr float kNormDeviation = 0.1f;
// Gemma 4 scales the residual stream after each layer; below one, so that it does not grow.
constexpr float kLayerOutputScale = 0.7f;

class Builder {
 public:
  explicit Builder(const SynthShape& shape) : shape_(shape) {}

  std::vector<SynthTensor> build() {
    embeddings();
    for (uint32_t il = 0; il < shape_.n_layer; ++il) layer(il);
    return std::move(tensors_);
  }

 private:
  bool gemma4() const { return shape_.arch == "gemma4"; }
  bool gemma() const { return gemma4() || shape_.arch == "gemma3"; }

  // Rows that give a result of unit size for an input of unit size.
  void matrix(std::string name, std::vector<uint64_t> shape) {
    const float deviation = 1.0f / std::sqrt(static_cast<float>(shape.back()));
    matrix(std::move(name), std::move(shape), deviation);
  }
  void matrix(std::string name, std::vector<uint64_t> shape, float deviation) {
    tensors_.push_back({.name = std::move(name),
                        .shape = std::move(shape),
                        .quantised = true,
                        .deviation = deviation});
  }
  void floats(std::string name, std::vector<uint64_t> shape, float mean, float deviation) {
    tensors_.push_back(
        {.name = std::move(name), .shape = std::move(shape), .mean = mean, .deviation = deviation});
  }
  void norm(std::string name, uint32_t n, float mean = 1.0f) {
    floats(std::move(name), {n}, mean, kNormDeviation * mean);
  }
  void fixed(std::string name, std::vector<float> values) {
    tensors_.push_back(
        {.name = std::move(name), .shape = {values.size()}, .values = std::move(values)});
  }

  void embeddings() {
    // Gemma multiplies them by sqrt(n_embd), which makes them of unit size.
    matrix("token_embd.weight", {shape_.n_vocab, shape_.n_embd});
    norm("output_norm.weight", shape_.n_embd);
    if (!shape_.tied_output) matrix("output.weight", {shape_.n_vocab, shape_.n_embd});
    if (gemma4()) fixed("rope_freqs.weight", gemma4_rope_factors());
    if (shape_.arch == "llama") fixed("rope_freqs.weight", llama3_rope_factors());
    if (const uint32_t n = shape_.n_embd_per_layer; n != 0) {
      const uint64_t n_all = uint64_t{shape_.n_layer} * n;
      matrix("per_layer_token_embd.weight", {shape_.n_vocab, n_all},
             1.0f / std::sqrt(static_cast<float>(n)));
      matrix("per_layer_model_proj.weight", {n_all, shape_.n_embd});
      norm("per_layer_proj_norm.weight", n);
    }
  }

  // Full layers turn a quarter of their pairs; the rest has an angle of nothing.
  std::vector<float> gemma4_rope_factors() const {
    const size_t n_pairs = shape_.head_dim_full / 2;
    std::vector<float> factors(n_pairs, 1e30f);
    std::fill_n(factors.begin(), n_pairs / 4, 1.0f);
    return factors;
  }

  // The stretch of Llama 3.2's low frequencies: factor 32, from a context of 8192, with a smooth
  // step between wavelengths of a quarter and of the whole of it.
  std::vector<float> llama3_rope_factors() const {
    constexpr double kFactor = 32;
    constexpr double kContext = 8192;
    constexpr double kLow = 1;
    constexpr double kHigh = 4;
    constexpr double kTwoPi = 6.283185307179586;
    std::vector<float> factors;
    for (uint32_t i = 0; i < shape_.head_dim / 2; ++i) {
      const double wavelength =
          kTwoPi * std::pow(double{shape_.rope_freq_base}, 2.0 * i / shape_.head_dim);
      const double turns = kContext / wavelength;
      if (turns >= kHigh) {
        factors.push_back(1.0f);
      } else if (turns <= kLow) {
        factors.push_back(static_cast<float>(kFactor));
      } else {
        const double smooth = (turns - kLow) / (kHigh - kLow);
        factors.push_back(static_cast<float>(1.0 / ((1 - smooth) / kFactor + smooth)));
      }
    }
    return factors;
  }

  void layer(uint32_t il) {
    const auto name = [il](std::string_view part) { return fmt::format("blk.{}.{}", il, part); };
    attention(il, name);
    norm(name("ffn_norm.weight"), shape_.n_embd);
    if (shape_.n_expert == 0 || gemma4()) {
      const uint64_t n_ff = shape_.ff_width(il);
      matrix(name("ffn_gate.weight"), {n_ff, shape_.n_embd});
      matrix(name("ffn_up.weight"), {n_ff, shape_.n_embd});
      matrix(name("ffn_down.weight"), {shape_.n_embd, n_ff});
    }
    if (shape_.n_expert != 0) experts(name);
    if (gemma()) norm(name("post_ffw_norm.weight"), shape_.n_embd);
    if (const uint32_t n = shape_.n_embd_per_layer; n != 0) {
      matrix(name("inp_gate.weight"), {n, shape_.n_embd});
      matrix(name("proj.weight"), {shape_.n_embd, n});
      norm(name("post_norm.weight"), shape_.n_embd);
    }
    if (gemma4()) fixed(name("layer_output_scale.weight"), {kLayerOutputScale});
  }

  template <class Name>
  void attention(uint32_t il, const Name& name) {
    const bool full_differs = shape_.is_full(il) && shape_.head_dim_full != 0;
    const uint64_t head_dim = full_differs ? shape_.head_dim_full : shape_.head_dim;
    const uint64_t n_q = shape_.n_head * head_dim;
    const uint64_t n_kv = (full_differs ? shape_.n_head_kv_full : shape_.n_head_kv) * head_dim;
    norm(name("attn_norm.weight"), shape_.n_embd);
    matrix(name("attn_q.weight"), {n_q, shape_.n_embd});
    if (shape_.owns_kv(il)) {
      matrix(name("attn_k.weight"), {n_kv, shape_.n_embd});
      if (!shape_.is_full(il) || shape_.full_has_v) {
        matrix(name("attn_v.weight"), {n_kv, shape_.n_embd});
      }
    }
    matrix(name("attn_output.weight"), {shape_.n_embd, n_q});
    if (shape_.arch != "llama") {
      // Scores are spread by one. Gemma 4 does not divide them by sqrt(head_dim): its norm does.
      const float q_mean = gemma4() ? 1.0f / std::sqrt(static_cast<float>(head_dim)) : 1.0f;
      norm(name("attn_q_norm.weight"), static_cast<uint32_t>(head_dim), q_mean);
      if (shape_.owns_kv(il)) norm(name("attn_k_norm.weight"), static_cast<uint32_t>(head_dim));
    }
    if (gemma()) norm(name("post_attention_norm.weight"), shape_.n_embd);
  }

  template <class Name>
  void experts(const Name& name) {
    const uint64_t n_expert = shape_.n_expert;
    const uint64_t n_ff = shape_.n_ff_exp;
    // The router's logits are spread by one; Gemma 4 divides its input by sqrt(n_embd).
    const float router = gemma4() ? 1.0f : 1.0f / std::sqrt(static_cast<float>(shape_.n_embd));
    floats(name("ffn_gate_inp.weight"), {n_expert, shape_.n_embd}, 0, router);
    if (gemma4()) {
      norm(name("ffn_gate_inp.scale"), shape_.n_embd);
      norm(name("pre_ffw_norm_2.weight"), shape_.n_embd);
      norm(name("post_ffw_norm_1.weight"), shape_.n_embd);
      norm(name("post_ffw_norm_2.weight"), shape_.n_embd);
      matrix(name("ffn_gate_up_exps.weight"), {n_expert, 2 * n_ff, shape_.n_embd});
    } else {
      matrix(name("ffn_gate_exps.weight"), {n_expert, n_ff, shape_.n_embd});
      matrix(name("ffn_up_exps.weight"), {n_expert, n_ff, shape_.n_embd});
    }
    matrix(name("ffn_down_exps.weight"), {n_expert, shape_.n_embd, n_ff});
    if (gemma4()) norm(name("ffn_down_exps.scale"), shape_.n_expert);
  }

  const SynthShape& shape_;
  std::vector<SynthTensor> tensors_;
};

}  // namespace

uint64_t SynthTensor::n_elements() const noexcept {
  uint64_t n = 1;
  for (const uint64_t dim : shape) n *= dim;
  return n;
}

std::vector<SynthTensor> synth_tensors(const SynthShape& shape) { return Builder(shape).build(); }

}  // namespace wattle::measure
