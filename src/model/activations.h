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
  // Sized for steps of n_batch rows.
  Activations(const Hparams& hparams, size_t n_batch, size_t n_threads);

  MatBuffer h;       // [n_batch, n_embd] the residual stream
  MatBuffer normed;  // [n_batch, n_embd] input of the branch that is computed
  MatBuffer branch;  // [n_batch, n_embd] its output
  AttentionBuffers attention;
  FfnBuffers ffn;
  MoeBuffers moe;
};

// The attention of each layer; layers that share a cache are as if they owned one.
std::vector<AttentionShape> attention_shapes(const Hparams& hparams);

}  // namespace wattle
