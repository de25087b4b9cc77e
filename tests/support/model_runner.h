// SPDX-License-Identifier: Apache-2.0
// A model from a file with everything it needs around it, for tests.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backend/cpu/cpu_device.h"
#include "gguf/reader.h"
#include "kernels/engine_context.h"
#include "model/model.h"

namespace wattle::test {

struct RunnerOptions {
  std::optional<Isa> isa = {};  // nothing: the best one
  size_t n_threads = 1;
  size_t n_batch = 64;
  kernels::KvType kv = kernels::KvType::f32;
  uint32_t n_ctx = 1024;
  std::optional<Precision> precision = {};
};

using Tokens = std::vector<TokenId>;
using Logits = std::vector<std::vector<float>>;  // a row of n_vocab per token

inline Tokens to_tokens(const std::vector<int32_t>& ids) {
  Tokens tokens;
  for (const int32_t id : ids) tokens.push_back(static_cast<TokenId>(id));
  return tokens;
}

inline int32_t argmax(std::span<const float> row) {
  return static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

class ModelRunner {
 public:
  explicit ModelRunner(const std::filesystem::path& path, const RunnerOptions& options = {})
      : ModelRunner(std::make_unique<gguf::File>(path), options) {}
  explicit ModelRunner(std::unique_ptr<gguf::File> file, const RunnerOptions& options = {})
      : file_(std::move(file)),
        context_({.n_threads = options.n_threads, .isa = options.isa, .log = {}}),
        device_(context_),
        model_(load_model(*file_, device_, context_,
                          {.n_batch = options.n_batch, .precision = options.precision})),
        cache_(kv_shape(model_->hparams()), {.k = options.kv,
                                             .v = options.kv,
                                             .n_ctx = options.n_ctx,
                                             .n_batch = static_cast<uint32_t>(options.n_batch)}) {}

  Model& model() { return *model_; }
  KvCache& cache() { return cache_; }
  SeqId new_sequence() { return cache_.create_sequence(); }

  // One forward pass over rows of any sequences; logits of all of them.
  Logits forward(std::span<const TokenId> tokens, std::span<const SeqId> seq) {
    std::vector<Pos> pos;
    std::vector<uint32_t> rows;
    std::map<SeqId, uint32_t> next;
    for (const SeqId id : seq) {
      const auto at = next.try_emplace(id, cache_.length(id)).first;
      pos.push_back(static_cast<Pos>(at->second++));
      rows.push_back(static_cast<uint32_t>(rows.size()));
    }
    const size_t n_vocab = model_->hparams().n_vocab;
    std::vector<float> flat(rows.size() * n_vocab);
    const MatView<float> room(flat.data(), rows.size(), n_vocab);
    model_->forward({.tokens = tokens, .pos = pos, .seq = seq, .output_rows = rows}, cache_,
                    {.logits = room});
    Logits logits;
    for (size_t r = 0; r < rows.size(); ++r) {
      logits.emplace_back(room.row(r), room.row(r) + n_vocab);
    }
    return logits;
  }

  // Feeds tokens to a sequence in pieces of that many rows (n_batch at most); logits of all.
  Logits feed(SeqId id, std::span<const TokenId> tokens, size_t piece) {
    piece = std::min(piece, model_->n_batch());
    Logits logits;
    for (size_t begin = 0; begin < tokens.size(); begin += piece) {
      const auto part = tokens.subspan(begin, std::min(piece, tokens.size() - begin));
      for (auto& row : forward(part, std::vector<SeqId>(part.size(), id))) {
        logits.push_back(std::move(row));
      }
    }
    return logits;
  }

 private:
  std::unique_ptr<gguf::File> file_;
  EngineContext context_;
  CpuDevice device_;
  std::unique_ptr<Model> model_;
  KvCache cache_;
};

}  // namespace wattle::test
