// SPDX-License-Identifier: Apache-2.0
// The llama architecture in plain double arithmetic, written from the formulas and sharing no code
// with src/model: one token after the other, keys and values in growing lists. For F32 files.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "gguf/reader.h"
#include "wattle/token.h"

namespace wattle::test {

using Doubles = std::vector<double>;

class LlamaOracle {
 public:
  explicit LlamaOracle(const gguf::File& file) : file_(file), keys_(file.metadata()) {}

  // Logits after each of the tokens.
  std::vector<Doubles> run(const std::vector<TokenId>& tokens) {
    std::vector<Doubles> logits;
    keys_of_layer_.assign(u32("block_count", 0), {});
    values_of_layer_.assign(u32("block_count", 0), {});
    for (size_t p = 0; p < tokens.size(); ++p) logits.push_back(step(tokens[p], p));
    return logits;
  }

 private:
  uint32_t u32(const std::string& key, uint32_t otherwise) const {
    return keys_.find<uint32_t>("llama." + key).value_or(otherwise);
  }
  double f64(const std::string& key, double otherwise) const {
    return keys_.find<double>("llama." + key).value_or(otherwise);
  }
  Doubles tensor(const std::string& name) const {
    const auto t = file_.find(name);
    if (!t) return {};
    std::vector<float> floats(t->n_elements());
    std::memcpy(floats.data(), t->data, t->size_bytes);
    return {floats.begin(), floats.end()};
  }

  // W x + b with W = rows [first, first + n_out) of the tensor.
  Doubles linear(const std::string& name, const Doubles& x, size_t first = 0,
                 size_t n_out = SIZE_MAX) const {
    const Doubles w = tensor(name + ".weight");
    const Doubles bias = tensor(name + ".bias");
    n_out = std::min(n_out, w.size() / x.size() - first);
    Doubles y(n_out);
    for (size_t r = 0; r < n_out; ++r) {
      const double* row = &w[(first + r) * x.size()];
      y[r] = std::inner_product(x.begin(), x.end(), row, bias.empty() ? 0.0 : bias[first + r]);
    }
    return y;
  }

  Doubles norm(const std::string& name, const Doubles& x) const {
    const Doubles w = tensor(name + ".weight");
    const double mean =
        std::inner_product(x.begin(), x.end(), x.begin(), 0.0) / static_cast<double>(x.size());
    const double scale = 1.0 / std::sqrt(mean + f64("attention.layer_norm_rms_epsilon", 0));
    Doubles y(x.size());
    for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] * scale * w[i];
    return y;
  }

  // Pairs (2i, 2i + 1) of each head turn by p / factor * base^(-2i / head_dim) / divisor[i].
  void rope(Doubles& x, size_t head_dim, size_t p) const {
    const Doubles divisors = tensor("rope_freqs.weight");
    const double position = static_cast<double>(p) / f64("rope.scaling.factor", 1.0);
    for (size_t head = 0; head < x.size(); head += head_dim) {
      for (size_t i = 0; i < head_dim / 2; ++i) {
        double angle =
            position * std::pow(f64("rope.freq_base", 10000.0),
                                -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
        if (!divisors.empty()) angle /= divisors[i];
        const double a = x[head + 2 * i];
        const double b = x[head + 2 * i + 1];
        x[head + 2 * i] = a * std::cos(angle) - b * std::sin(angle);
        x[head + 2 * i + 1] = a * std::sin(angle) + b * std::cos(angle);
      }
    }
  }

  Doubles attention(size_t il, const Doubles& x, size_t p) {
    const std::string blk = "blk." + std::to_string(il) + ".";
    const size_t n_head = u32("attention.head_count", 0);
    const size_t n_head_kv = u32("attention.head_count_kv", static_cast<uint32_t>(n_head));
    const size_t head_dim = u32("attention.key_length", static_cast<uint32_t>(x.size() / n_head));
    const size_t n_q = n_head * head_dim;
    const size_t n_kv = n_head_kv * head_dim;
    const bool fused = file_.find(blk + "attn_qkv.weight").has_value();
    Doubles q = fused ? linear(blk + "attn_qkv", x, 0, n_q) : linear(blk + "attn_q", x);
    Doubles k = fused ? linear(blk + "attn_qkv", x, n_q, n_kv) : linear(blk + "attn_k", x);
    const Doubles v =
        fused ? linear(blk + "attn_qkv", x, n_q + n_kv, n_kv) : linear(blk + "attn_v", x);
    rope(q, head_dim, p);
    rope(k, head_dim, p);
    keys_of_layer_[il].push_back(k);
    values_of_layer_[il].push_back(v);

    Doubles out(n_q, 0.0);
    for (size_t h = 0; h < n_head; ++h) {
      const size_t at = h / (n_head / n_head_kv) * head_dim;
      Doubles weight;
      for (const Doubles& key : keys_of_layer_[il]) {
        const double score =
            std::inner_product(&q[h * head_dim], &q[h * head_dim] + head_dim, &key[at], 0.0);
        weight.push_back(std::exp(score / std::sqrt(static_cast<double>(head_dim))));
      }
      const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
      for (size_t j = 0; j < weight.size(); ++j) {
        for (size_t i = 0; i < head_dim; ++i) {
          out[h * head_dim + i] += weight[j] / sum * values_of_layer_[il][j][at + i];
        }
      }
    }
    return linear(blk + "attn_output", out);
  }

  // first: row of the expert in the tensors, in units of its height.
  Doubles gated(const std::string& blk, const std::string& suffix, const Doubles& x, size_t expert,
                size_t n_ff) const {
    const Doubles gate = linear(blk + "ffn_gate" + suffix, x, expert * n_ff, n_ff);
    Doubles up = linear(blk + "ffn_up" + suffix, x, expert * n_ff, n_ff);
    for (size_t i = 0; i < up.size(); ++i) up[i] *= gate[i] / (1.0 + std::exp(-gate[i]));
    return linear(blk + "ffn_down" + suffix, up, expert * x.size(), x.size());
  }

  Doubles ffn(size_t il, const Doubles& x) const {
    const std::string blk = "blk." + std::to_string(il) + ".";
    const size_t n_ff = u32("feed_forward_length", 0);
    if (u32("expert_count", 0) == 0) return gated(blk, "", x, 0, n_ff);
    const Doubles logits = linear(blk + "ffn_gate_inp", x);
    std::vector<size_t> order(logits.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return logits[a] > logits[b]; });
    order.resize(u32("expert_used_count", 0));
    double sum = 0;
    for (const size_t e : order) sum += std::exp(logits[e]);
    Doubles out(x.size(), 0.0);
    for (const size_t e : order) {
      const Doubles y = gated(blk, "_exps", x, e, n_ff);
      for (size_t i = 0; i < y.size(); ++i) out[i] += std::exp(logits[e]) / sum * y[i];
    }
    return out;
  }

  Doubles step(TokenId token, size_t p) {
    const size_t n_embd = u32("embedding_length", 0);
    const Doubles table = tensor("token_embd.weight");
    const auto row = table.begin() + static_cast<ptrdiff_t>(to_int(token) * n_embd);
    Doubles h(row, row + static_cast<ptrdiff_t>(n_embd));
    for (size_t il = 0; il < keys_of_layer_.size(); ++il) {
      const std::string blk = "blk." + std::to_string(il) + ".";
      const Doubles a = attention(il, norm(blk + "attn_norm", h), p);
      for (size_t i = 0; i < n_embd; ++i) h[i] += a[i];
      const Doubles f = ffn(il, norm(blk + "ffn_norm", h));
      for (size_t i = 0; i < n_embd; ++i) h[i] += f[i];
    }
    const bool tied = !file_.find("output.weight").has_value();
    return linear(tied ? "token_embd" : "output", norm("output_norm", h));
  }

  const gguf::File& file_;
  const gguf::Metadata& keys_;
  std::vector<std::vector<Doubles>> keys_of_layer_;  // [layer][position]
  std::vector<std::vector<Doubles>> values_of_layer_;
};

}  // namespace wattle::test
