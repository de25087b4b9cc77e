// SPDX-License-Identifier: Apache-2.0
// A loaded model: rows of tokens in, logits out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "backend/device.h"
#include "gguf/reader.h"
#include "kernels/engine_context.h"
#include "model/batch.h"
#include "model/hparams.h"
#include "model/kv_cache.h"
#include "model/step.h"
#include "tensor/view.h"

namespace wattle {

struct ModelParams {
  size_t n_batch = 512;  // rows of one forward pass, at most
  // Of all matrices of the layers; nothing: fine in mixtures of few experts a token.
  std::optional<Precision> precision{};
  // What the buffers of a step may take; more is Error{out_of_memory} before any is made.
  uint64_t max_buffer_bytes = UINT64_MAX;
};

// Weights stay in the file's mapping and all buffers are made once, so forward allocates nothing
// but new pages of the cache. One call at a time. Any number of caches can be used with one model.
class Model {
 public:
  virtual ~Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const Hparams& hparams() const noexcept { return hparams_; }
  size_t n_batch() const noexcept { return n_batch_; }

  // Computes the rows of `batch`, keeps their keys and values in `cache` and writes the wanted
  // outputs. The cache was made with kv_shape(hparams()).
  // What a row gets depends on the tokens of its own sequence alone; docs/numerics.md says how
  // exactly. Throws Error{usage} for rows that do not fit (too many, a token outside the
  // vocabulary, a position out of order) and Error{out_of_memory}; then nothing has changed.
  void forward(const Batch& batch, KvCache& cache, const Outputs& outputs);

  // For tests and tools: called after every layer with the residual stream h [rows, n_embd] of the
  // rows that the layer computed.
  using LayerObserver = std::function<void(size_t il, MatView<const float> h)>;
  void observe_layers(LayerObserver observer) { observer_ = std::move(observer); }

 protected:
  Model(EngineContext& context, Device& device, Hparams hparams, size_t n_batch)
      : context_(context), device_(device), hparams_(std::move(hparams)), n_batch_(n_batch) {}

  // The rows are checked and the cache has room for them.
  virtual void compute(Step& step, const Batch& batch, const Outputs& outputs) noexcept = 0;

  void layer_done(size_t il, MatView<const float> h) const {
    if (observer_) observer_(il, h);
  }

 private:
  void check(const Batch& batch, const KvCache& cache, const Outputs& outputs) const;

  EngineContext& context_;
  Device& device_;
  Hparams hparams_;
  size_t n_batch_;
  LayerObserver observer_;
};

// The model borrows file, device and context. Throws Error: unsupported (architecture, type or
// feature, by name), bad_input (a key or tensor that is missing or does not fit), out_of_memory.
std::unique_ptr<Model> load_model(const gguf::File& file, Device& device, EngineContext& context,
                                  const ModelParams& params = {});

}  // namespace wattle
