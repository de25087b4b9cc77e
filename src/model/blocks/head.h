// SPDX-License-Identifier: Apache-2.0
// From the residual stream to logits: the last norm, the output matrix, what follows it.
#pragma once

#include <span>
#include <vector>

#include "model/batch.h"
#include "model/blocks/norm.h"
#include "model/blocks/projection.h"
#include "model/mat_buffer.h"

namespace wattle {

struct Head {
  Norm norm;
  Projection output;                // [n_vocab, n_embd], often the embedding itself
  float softcap = 0.0f;             // logits = softcap * tanh(logits / softcap); 0: off
  std::vector<TokenId> suppressed;  // their logits are -inf
};

// The outputs of the rows of h that `rows` names. The vocabulary is the largest matrix of a model,
// so nothing is computed for the others. normed: [>= rows.size(), n_embd].
void compute_outputs(const Step& step, MatView<const float> h, std::span<const uint32_t> rows,
                     const Head& head, MatBuffer& normed, const Outputs& outputs) noexcept;

}  // namespace wattle
