// SPDX-License-Identifier: Apache-2.0
// Logits of a model file through the public API, as the golden checks compare them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "wattle/engine.h"

namespace wattle::golden {

// Row r holds the logits after ids[0..r].
struct LogitRows {
  size_t n_vocab = 0;
  std::vector<float> data;  // [n_rows, n_vocab]

  std::span<const float> row(size_t r) const {
    return std::span(data).subspan(r * n_vocab, n_vocab);
  }
};

inline EngineParams exact_kv_params(const std::filesystem::path& model, uint32_t n_ctx,
                                    uint32_t n_batch) {
  EngineParams params;
  params.model = model;
  params.n_ctx = n_ctx;
  params.n_batch = n_batch;
  params.kv_k = KvCacheType::f32;  // as the reference values were made
  params.kv_v = KvCacheType::f32;
  return params;
}

inline LogitRows all_logits(Engine& engine, std::span<const TokenId> ids) {
  LogitRows rows;
  rows.n_vocab = engine.model().n_vocab;
  rows.data.reserve(ids.size() * rows.n_vocab);
  engine.logits(ids, /*all=*/true, [&rows](std::span<const float> row) {
    rows.data.insert(rows.data.end(), row.begin(), row.end());
  });
  return rows;
}

inline std::vector<TokenId> ids_of(const nlohmann::json& array) {
  std::vector<TokenId> ids;
  for (const auto& id : array) ids.push_back(TokenId{id.get<int32_t>()});
  return ids;
}

nlohmann::json read_json(const std::filesystem::path& path);

// The files of a folder with an extension such as ".json", sorted by name.
std::vector<std::filesystem::path> files_with_extension(const std::filesystem::path& folder,
                                                        const std::string& extension);

// ln sum exp, in f64.
double log_sum_exp(std::span<const float> logits);
size_t argmax(std::span<const float> logits);  // lowest index on a tie

}  // namespace wattle::golden
