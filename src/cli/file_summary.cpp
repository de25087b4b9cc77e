// SPDX-License-Identifier: Apache-2.0
#include "cli/file_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/kv_layout.h"
#include "model/registry.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

using Json = nlohmann::ordered_json;
using gguf::Metadata;
using gguf::ValueType;

// Prompt tokens of a step: they are in a sliding window's ring beside the window itself.
constexpr uint32_t kBatch = 512;

std::string type_name(const gguf::TensorInfo& tensor) {
  const auto name = dtype_name_of_id(tensor.type_id);
  return name ? std::string(*name) : fmt::format("type {}", tensor.type_id);
}

// Keeps a key where it is there and of the expected type.
template <class T>
void copy_key(const Metadata& keys, const std::string& key, Json& out, const char* name) {
  try {
    if (const auto value = keys.find<T>(key)) out[name] = *value;
  } catch (const Error&) {  // listed by --keys as what it is
  }
}

Json summarise_model(const gguf::File& file) {
  const Metadata& keys = file.metadata();
  Json out;
  copy_key<std::string_view>(keys, "general.name", out, "name");
  copy_key<std::string_view>(keys, "general.architecture", out, "architecture");
  copy_key<std::string_view>(keys, "general.size_label", out, "size");
  copy_key<std::string_view>(keys, "general.license", out, "license");
  copy_key<uint32_t>(keys, "general.file_type", out, "file_type");
  if (out.contains("file_type")) out["file_type"] = file_type_name(out["file_type"]);
  uint64_t n_params = 0;
  for (const auto& tensor : file.tensors()) n_params += tensor.n_elements();
  out["parameters"] = n_params;
  return out;
}

Json summarise_tensors(const gguf::File& file) {
  struct Sum {
    uint64_t n_tensors = 0;
    uint64_t n_elements = 0;
    uint64_t size_bytes = 0;
    bool readable = true;
  };
  std::map<std::string, Sum> by_type;
  for (const auto& tensor : file.tensors()) {
    Sum& sum = by_type[type_name(tensor)];
    ++sum.n_tensors;
    sum.n_elements += tensor.n_elements();
    sum.size_bytes += tensor.size_bytes;
    sum.readable = tensor.dtype.has_value();
  }
  std::vector<std::pair<std::string, Sum>> sorted(by_type.begin(), by_type.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.n_elements > b.second.n_elements;
  });
  Json out{{"count", file.tensors().size()}, {"by_type", Json::array()}};
  for (const auto& [name, sum] : sorted) {
    Json row{{"type", name}, {"count", sum.n_tensors}, {"parameters", sum.n_elements}};
    if (sum.readable) {
      row["size_bytes"] = sum.size_bytes;
    } else {
      row["problem"] = "a type this build cannot read";
    }
    out["by_type"].push_back(std::move(row));
  }
  return out;
}

// One number where all layers agree, else one for each.
template <class Field>
Json per_layer(const Hparams& hp, const Field& field) {
  Json values = Json::array();
  std::set<uint32_t> different;
  for (const LayerHparams& layer : hp.layers) {
    values.push_back(field(layer));
    different.insert(field(layer));
  }
  return different.size() == 1 ? values[0] : values;
}

Json summarise_hparams(const Hparams& hp) {
  Json out;
  out["n_layer"] = hp.n_layer;
  out["n_ctx_train"] = hp.n_ctx_train;
  out["n_embd"] = hp.n_embd;
  out["n_vocab"] = hp.n_vocab;
  out["n_head"] = per_layer(hp, [](const LayerHparams& l) { return l.n_head; });
  out["n_head_kv"] = per_layer(hp, [](const LayerHparams& l) { return l.n_head_kv; });
  out["head_dim_k"] = per_layer(hp, [](const LayerHparams& l) { return l.head_dim_k; });
  out["head_dim_v"] = per_layer(hp, [](const LayerHparams& l) { return l.head_dim_v; });
  out["n_ff"] = per_layer(hp, [](const LayerHparams& l) { return l.n_ff; });
  if (hp.n_expert != 0) {
    out["n_expert"] = hp.n_expert;
    out["n_expert_used"] = hp.n_expert_used;
    out["n_ff_exp"] = hp.n_ff_exp;
  }
  if (hp.n_swa != 0) {
    out["n_swa"] = hp.n_swa;
    out["n_layer_swa"] = std::count_if(hp.layers.begin(), hp.layers.end(),
                                       [](const LayerHparams& l) { return l.swa; });
  }
  if (hp.n_layer_shared_kv != 0) out["n_layer_shared_kv"] = hp.n_layer_shared_kv;
  if (hp.n_embd_per_layer != 0) out["n_embd_per_layer"] = hp.n_embd_per_layer;
  out["rope_freq_base"] = hp.rope.freq_base;
  if (hp.n_swa != 0) out["rope_freq_base_swa"] = hp.rope_swa.freq_base;
  if (hp.final_softcap != 0.0f) out["final_softcap"] = hp.final_softcap;
  return out;
}

Json summarise_tokenizer(const gguf::File& file) {
  const Metadata& keys = file.metadata();
  Json out;
  copy_key<std::string_view>(keys, "tokenizer.ggml.model", out, "model");
  copy_key<std::string_view>(keys, "tokenizer.ggml.pre", out, "pre");
  if (const auto* tokens = keys.find_value("tokenizer.ggml.tokens")) out["tokens"] = tokens->count;
  copy_key<uint32_t>(keys, "tokenizer.ggml.bos_token_id", out, "bos_token_id");
  copy_key<uint32_t>(keys, "tokenizer.ggml.eos_token_id", out, "eos_token_id");
  out["chat_template"] = keys.has("tokenizer.chat_template");
  return out;
}

// Bytes of the cache of one sequence; nothing where the model cannot have a cache of that type.
std::optional<uint64_t> kv_bytes(const KvShape& shape, kernels::KvType type, uint32_t n_ctx) {
  try {
    const KvLayout layout(shape, {.k = type, .v = type, .n_ctx = n_ctx, .n_batch = kBatch});
    return layout.sequence_bytes(n_ctx);
  } catch (const Error&) {
    return std::nullopt;
  }
}

// The weights stay mapped, so they are counted once, whatever the context.
Json summarise_memory(const Hparams& hp, uint64_t weights_bytes) {
  const KvShape shape = kv_shape(hp);
  std::set<uint32_t> lengths{hp.n_ctx_train};
  for (uint32_t n = 4096; n < hp.n_ctx_train; n *= 2) {
    if (n != 16384 && n != 65536) lengths.insert(n);
    if (n > INT32_MAX / 2) break;
  }
  Json out{{"weights_bytes", weights_bytes}, {"batch", kBatch}, {"contexts", Json::array()}};
  for (const uint32_t n_ctx : lengths) {
    Json row{{"n_ctx", n_ctx}};
    const auto f16 = kv_bytes(shape, kernels::KvType::f16, n_ctx);
    const auto q8_0 = kv_bytes(shape, kernels::KvType::q8_0, n_ctx);
    if (f16) row["kv_f16_bytes"] = *f16;
    if (q8_0) row["kv_q8_0_bytes"] = *q8_0;
    out["contexts"].push_back(std::move(row));
  }
  return out;
}

Json value_of(const Metadata& keys, const gguf::Value& value) {
  switch (value.type) {
    case ValueType::array:
      return {{"array_of", gguf::value_type_name(value.element)}, {"count", value.count}};
    case ValueType::string: return keys.get<std::string_view>(value.key);
    case ValueType::boolean: return keys.get<bool>(value.key);
    case ValueType::f32: return keys.get<float>(value.key);
    case ValueType::f64: return keys.get<double>(value.key);
    case ValueType::u64: return keys.get<uint64_t>(value.key);
    default: return keys.get<int64_t>(value.key);
  }
}

}  // namespace

std::string file_type_name(uint32_t id) {
  static const std::map<uint32_t, const char*> kNames{
      {0, "F32"},     {1, "F16"},     {2, "Q4_0"},    {3, "Q4_1"},    {7, "Q8_0"},
      {8, "Q5_0"},    {9, "Q5_1"},    {10, "Q2_K"},   {11, "Q3_K_S"}, {12, "Q3_K_M"},
      {13, "Q3_K_L"}, {14, "Q4_K_S"}, {15, "Q4_K_M"}, {16, "Q5_K_S"}, {17, "Q5_K_M"},
      {18, "Q6_K"},   {25, "IQ4_NL"}, {30, "IQ4_XS"}, {32, "BF16"},   {38, "MXFP4"}};
  const auto found = kNames.find(id);
  return found != kNames.end() ? found->second : fmt::format("file type {}", id);
}

nlohmann::ordered_json summarise(const gguf::File& file) {
  Json out;
  out["file"] = {{"path", file.name()},
                 {"gguf_version", file.version()},
                 {"parts", file.n_shards()},
                 {"size_bytes", file.size_bytes()}};
  out["model"] = summarise_model(file);
  out["tensors"] = summarise_tensors(file);
  try {
    const Hparams hparams = read_hparams(file);
    out["hparams"] = summarise_hparams(hparams);
    out["memory"] = summarise_memory(hparams, file.size_bytes());
  } catch (const Error& error) {
    out["hparams"] = {{"problem", error.what()}};
  }
  out["tokenizer"] = summarise_tokenizer(file);
  return out;
}

nlohmann::ordered_json summarise_memory(const gguf::File& file, uint64_t weights_bytes) {
  return summarise_memory(read_hparams(file), weights_bytes);
}

nlohmann::ordered_json list_tensors(const gguf::File& file) {
  Json out = Json::array();
  for (const auto& tensor : file.tensors()) {
    Json shape = Json::array();
    for (uint32_t i = 0; i < tensor.n_dims; ++i) shape.push_back(tensor.shape[i]);
    Json row{{"name", tensor.name}, {"shape", std::move(shape)}, {"type", type_name(tensor)}};
    if (tensor.dtype) row["size_bytes"] = tensor.size_bytes;
    out.push_back(std::move(row));
  }
  return out;
}

nlohmann::ordered_json list_keys(const gguf::File& file) {
  Json out = Json::object();
  for (const auto& value : file.metadata().values()) {
    out[std::string(value.key)] = value_of(file.metadata(), value);
  }
  return out;
}

}  // namespace wattle::cli
