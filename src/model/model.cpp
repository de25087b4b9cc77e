// SPDX-License-Identifier: Apache-2.0
#include "model/model.h"

#include <fmt/format.h>

#include "wattle/error.h"

namespace wattle {

void Model::check(const Batch& batch, const KvCache& cache, const Outputs& outputs) const {
  const auto fail = [](const std::string& what) {
    throw Error(ErrorCode::usage, "batch: " + what);
  };
  if (batch.pos.size() != batch.size() || batch.seq.size() != batch.size()) {
    fail(fmt::format("{} tokens with {} positions and {} sequences, expected as many", batch.size(),
                     batch.pos.size(), batch.seq.size()));
  }
  if (batch.size() > n_batch_) {
    fail(fmt::format("{} rows, expected at most {}", batch.size(), n_batch_));
  }
  for (size_t r = 0; r < batch.size(); ++r) {
    const int32_t token = to_int(batch.tokens[r]);
    if (token < 0 || static_cast<uint32_t>(token) >= hparams_.n_vocab) {
      fail(fmt::format("row {} is token {}, expected 0 to {}", r, token, hparams_.n_vocab - 1));
    }
  }
  for (size_t i = 0; i < batch.output_rows.size(); ++i) {
    const uint32_t row = batch.output_rows[i];
    if (row >= batch.size()) fail(fmt::format("outputs of row {} of {}", row, batch.size()));
    if (i != 0 && row <= batch.output_rows[i - 1]) {
      fail(fmt::format("outputs of row {} after row {}, expected ascending rows", row,
                       batch.output_rows[i - 1]));
    }
  }
  const auto check_room = [&](const char* what, const RowsView<float>& room, size_t n_cols) {
    if (room.n_rows == 0) return;
    if (room.n_rows == batch.output_rows.size() && room.n_cols == n_cols) return;
    fail(fmt::format("room for {} [{}, {}], expected [{}, {}]", what, room.n_rows, room.n_cols,
                     batch.output_rows.size(), n_cols));
  };
  check_room("logits", outputs.logits, hparams_.n_vocab);
  check_room("hidden states", outputs.hidden, hparams_.n_embd);
  if (cache.layout().n_layers() != hparams_.n_layer_kv()) {
    fail(fmt::format("a cache of {} layers, expected {}", cache.layout().n_layers(),
                     hparams_.n_layer_kv()));
  }
}

void Model::forward(const Batch& batch, KvCache& cache, const Outputs& outputs) {
  check(batch, cache, outputs);
  if (batch.size() == 0) return;
  cache.append(batch.seq, batch.pos);
  Step step{
      .context = context_, .device = device_, .cache = cache, .seq = batch.seq, .pos = batch.pos};
  compute(step, batch, outputs);
}

}  // namespace wattle
