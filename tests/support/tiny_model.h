// SPDX-License-Identifier: Apache-2.0
// A small random model as GGUF in memory, whose keys and tensors a test may change before it is
// written. Needs no reference data.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gguf/reader.h"
#include "gguf/writer.h"
#include "quant/encode.h"

namespace wattle::test {

struct TinyTensor {
  std::vector<uint64_t> shape;  // outermost first
  DType dtype = DType::f32;
  std::vector<float> values;
};

class TinyModel {
 public:
  std::string arch;
  std::map<std::string, std::function<void(gguf::Writer&, const std::string& key)>> keys;
  std::map<std::string, TinyTensor> tensors;

  // "<arch>.key", or the key itself where it has a known prefix of its own.
  std::string full_key(const std::string& key) const {
    return key.starts_with("general.") || key.starts_with("tokenizer.") ? key : arch + "." + key;
  }
  template <class T>
  void set(const std::string& key, T value) {
    keys[full_key(key)] = [value](gguf::Writer& w, const std::string& k) { w.set<T>(k, value); };
  }
  void set(const std::string& key, const char* text) { set(key, std::string(text)); }
  void set(const std::string& key, std::string text) {
    keys[full_key(key)] = [text](gguf::Writer& w, const std::string& k) {
      w.set<std::string_view>(k, text);
    };
  }
  template <class T>
  void set_array(const std::string& key, std::vector<T> values) {
    keys[full_key(key)] = [values](gguf::Writer& w, const std::string& k) {
      w.set_array<T>(k, values);
    };
  }
  void remove_key(const std::string& key) { keys.erase(full_key(key)); }

  std::vector<std::byte> to_bytes() const {
    gguf::Writer writer;
    for (const auto& [key, write] : keys) write(writer, key);
    std::vector<std::vector<std::byte>> data;
    data.reserve(tensors.size());
    for (const auto& [name, tensor] : tensors) {
      const uint64_t n_cols = tensor.shape.back();
      const size_t stride = row_bytes(tensor.dtype, n_cols);
      std::vector<std::byte>& rows = data.emplace_back(tensor.values.size() / n_cols * stride);
      for (size_t r = 0; r < tensor.values.size() / n_cols; ++r) {
        quant::quantize_row(tensor.dtype, &tensor.values[r * n_cols], &rows[r * stride], n_cols);
      }
      writer.add_tensor(name, tensor.dtype, tensor.shape, rows);
    }
    return writer.to_bytes();
  }

  // The file as it is now; it lives no longer than the TinyModel.
  std::unique_ptr<gguf::File> file() {
    return std::make_unique<gguf::File>(files_.emplace_back(to_bytes()), "tiny.gguf");
  }

 private:
  std::list<std::vector<std::byte>> files_;
};

// Random weights of the size that keeps activations near one.
class TinyWeights {
 public:
  TinyWeights(TinyModel& model, uint32_t seed) : model_(model), rng_(seed) {}

  void matrix(const std::string& name, std::vector<uint64_t> shape, DType dtype = DType::f32) {
    uint64_t n = 1;
    for (const uint64_t dim : shape) n *= dim;
    std::normal_distribution<float> normal(0.0f,
                                           1.0f / std::sqrt(static_cast<float>(shape.back())));
    TinyTensor tensor{.shape = std::move(shape), .dtype = dtype, .values = {}};
    for (uint64_t i = 0; i < n; ++i) tensor.values.push_back(normal(rng_));
    model_.tensors[name] = std::move(tensor);
  }
  void vector(const std::string& name, uint64_t n, float mean) {
    TinyTensor tensor{.shape = {n}, .values = {}};
    std::normal_distribution<float> normal(mean, 0.2f);
    for (uint64_t i = 0; i < n; ++i) tensor.values.push_back(normal(rng_));
    model_.tensors[name] = std::move(tensor);
  }

 private:
  TinyModel& model_;
  std::mt19937 rng_;
};

struct TinyOptions {
  std::string arch = "llama";  // llama, qwen3 or gemma3
  DType dtype = DType::f32;
  uint32_t n_layer = 3;
  uint32_t n_embd = 64;
  uint32_t n_head = 4;
  uint32_t n_head_kv = 2;
  uint32_t head_dim = 16;
  uint32_t n_ff = 96;
  uint32_t n_vocab = 80;
  uint32_t n_swa = 8;     // gemma3
  uint32_t n_expert = 0;  // llama
  uint32_t n_expert_used = 2;
  bool fused_qkv = false;
  bool biases = false;
  uint32_t seed = 1;
};

inline TinyModel make_tiny_model(const TinyOptions& o = {}) {
  TinyModel m;
  m.arch = o.arch;
  m.set("general.architecture", o.arch);
  m.set("block_count", o.n_layer);
  m.set("context_length", uint32_t{4096});
  m.set("embedding_length", o.n_embd);
  m.set("feed_forward_length", o.n_ff);
  m.set("attention.head_count", o.n_head);
  m.set("attention.head_count_kv", o.n_head_kv);
  m.set("attention.key_length", o.head_dim);
  m.set("attention.value_length", o.head_dim);
  m.set("attention.layer_norm_rms_epsilon", 1e-5f);
  m.set("vocab_size", o.n_vocab);
  if (o.arch == "gemma3") m.set("attention.sliding_window", o.n_swa);
  if (o.n_expert != 0) {
    m.set("expert_count", o.n_expert);
    m.set("expert_used_count", o.n_expert_used);
  }

  TinyWeights w(m, o.seed);
  const uint64_t n_q = uint64_t{o.n_head} * o.head_dim;
  const uint64_t n_kv = uint64_t{o.n_head_kv} * o.head_dim;
  w.matrix("token_embd.weight", {o.n_vocab, o.n_embd}, o.dtype);
  w.matrix("output.weight", {o.n_vocab, o.n_embd}, o.dtype);
  w.vector("output_norm.weight", o.n_embd, 1.0f);
  for (uint32_t il = 0; il < o.n_layer; ++il) {
    const std::string blk = "blk." + std::to_string(il) + ".";
    const auto matrix = [&](const std::string& name, uint64_t n_out, uint64_t n_in) {
      w.matrix(blk + name + ".weight", {n_out, n_in}, o.dtype);
      if (o.biases) w.vector(blk + name + ".bias", n_out, 0.0f);
    };
    w.vector(blk + "attn_norm.weight", o.n_embd, 1.0f);
    if (o.fused_qkv) {
      matrix("attn_qkv", n_q + 2 * n_kv, o.n_embd);
    } else {
      matrix("attn_q", n_q, o.n_embd);
      matrix("attn_k", n_kv, o.n_embd);
      matrix("attn_v", n_kv, o.n_embd);
    }
    matrix("attn_output", o.n_embd, n_q);
    w.vector(blk + "ffn_norm.weight", o.n_embd, 1.0f);
    if (o.n_expert == 0) {
      matrix("ffn_gate", o.n_ff, o.n_embd);
      matrix("ffn_up", o.n_ff, o.n_embd);
      matrix("ffn_down", o.n_embd, o.n_ff);
    } else {
      w.matrix(blk + "ffn_gate_inp.weight", {o.n_expert, o.n_embd});
      w.matrix(blk + "ffn_gate_exps.weight", {o.n_expert, o.n_ff, o.n_embd}, o.dtype);
      w.matrix(blk + "ffn_up_exps.weight", {o.n_expert, o.n_ff, o.n_embd}, o.dtype);
      w.matrix(blk + "ffn_down_exps.weight", {o.n_expert, o.n_embd, o.n_ff}, o.dtype);
    }
    if (o.arch == "llama") continue;
    w.vector(blk + "attn_q_norm.weight", o.head_dim, 1.0f);
    w.vector(blk + "attn_k_norm.weight", o.head_dim, 1.0f);
    if (o.arch != "gemma3") continue;
    w.vector(blk + "post_attention_norm.weight", o.n_embd, 1.0f);
    w.vector(blk + "post_ffw_norm.weight", o.n_embd, 1.0f);
  }
  return m;
}

}  // namespace wattle::test
