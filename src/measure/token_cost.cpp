// SPDX-License-Identifier: Apache-2.0
#include "measure/token_cost.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

namespace wattle::measure {
namespace {

// The part of n that n_used experts of n_expert are.
uint64_t share(uint64_t n, uint32_t n_used, uint32_t n_expert) {
  return n_expert == 0 ? n : n / n_expert * n_used;
}

// N of "blk.N.attn_q.weight".
uint32_t layer_of(std::string_view name) {
  const std::string_view number = name.substr(std::string_view("blk.").size());
  uint32_t il = 0;
  std::from_chars(number.data(), number.data() + number.size(), il);
  return il;
}

}  // namespace

double TokenCost::step_bytes(uint32_t n_sequences) const noexcept {
  if (expert_bytes == 0 || n_expert == 0) return static_cast<double>(weight_bytes);
  const double share_used = static_cast<double>(n_expert_used) / n_expert;
  const double share_read = 1.0 - std::pow(1.0 - share_used, n_sequences);
  return static_cast<double>(weight_bytes) +
         static_cast<double>(expert_bytes) * (share_read / share_used - 1.0);
}

TokenCost token_cost(const gguf::File& file) {
  const gguf::Metadata& keys = file.metadata();
  const auto arch = keys.find<std::string_view>("general.architecture").value_or("");
  const auto count = [&](std::string_view key) {
    return keys.find<uint32_t>(fmt::format("{}.{}", arch, key)).value_or(0);
  };
  const uint32_t n_expert = count("expert_count");
  const uint32_t n_used = count("expert_used_count");
  const uint32_t n_layer_kv = count("block_count") - count("attention.shared_kv_layers");
  bool has_output = false;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    has_output = has_output || tensor.name == "output.weight";
  }

  TokenCost cost{.n_expert = n_expert, .n_expert_used = n_used};
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    cost.model_bytes += tensor.size_bytes;
    const std::string_view name = tensor.name;
    const bool in_layer = name.starts_with("blk.");
    const bool is_head = name == (has_output ? "output.weight" : "token_embd.weight");
    // A row of a table is next to nothing; what is neither (images, sound) is not computed.
    if (!in_layer && !is_head && name != "per_layer_model_proj.weight") continue;
    const bool is_matrix = tensor.n_dims >= 2;
    const bool is_expert = name.find("_exps.weight") != std::string_view::npos;
    const uint64_t n =
        is_expert ? share(tensor.n_elements(), n_used, n_expert) : tensor.n_elements();
    const uint64_t size =
        is_expert ? share(tensor.size_bytes, n_used, n_expert) : tensor.size_bytes;
    cost.weight_bytes += size;
    if (is_expert) cost.expert_bytes += size;
    if (!is_matrix) continue;
    const bool for_outputs = is_head || (in_layer && layer_of(name) >= n_layer_kv);
    (for_outputs ? cost.output_ops : cost.block_ops) += 2 * n;
  }
  return cost;
}

}  // namespace wattle::measure
