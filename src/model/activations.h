// SPDX-License-Identifier: Apache-2.0
// All buffers of a forward pass, made once.
#pragma once

#include <vector>

#include "model/blocks/attention.h"
#include "model/blocks/ffn.h"
#include "model/blocks/moe.h"
#include "model/hparams.h"
#include "model/mat_buffer.h"

namespace wattle {

struct Activations {
  Activations() = default;
  // Sized for steps of n_batch rows.
  Activations(const Hparams& hparams, size_t n_batch, size_t n_threads);

  MatBuffer h;       // [n_batch, n_embd] the residual stream
  MatBuffer normed;  // [n_batch, n_embd] input of the branch that is computed
  MatBuffer branch;  // [n_batch, n_embd] its output
  AttentionBuffers attention;
  FfnBuffers ffn;
  MoeBuffers moe;
};

// Bytes of all of them and of what blocks and the device keep beside, to the nearest few percent;
// UINT64_MAX where that cannot be counted. Allocates nothing.
uint64_t activation_bytes(const Hparams& hparams, size_t n_batch) noexcept;

// The attention of layer il; one that reads the cache of another is as if it owned its own.
AttentionShape attention_shape(const Hparams& hparams, size_t il);

}  // namespace wattle
