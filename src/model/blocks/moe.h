// SPDX-License-Identifier: Apache-2.0
// Mixture of experts (Shazeer et al., Switch, Mixtral): a router picks a few gated FFNs per row.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/blocks/ffn.h"

namespace wattle {

struct MoeWeights {
  Projection router;  // [n_expert, n_embd]
  // [n_expert, 2 * n_ff_exp, n_embd]: gate rows, then up rows;
  std::unique_ptr<ExpertBank> gate_up;
  std::unique_ptr<ExpertBank> gate;  // or these two, [n_expert, n_ff_exp, n_embd]
  std::unique_ptr<ExpertBank> up;
  std::unique_ptr<ExpertBank> down;  // [n_expert, n_embd, n_ff_exp]
  // [n_expert] factors of the experts' outputs, after the weights were made to sum to 1; or empty.
  std::vector<float> down_scale;
  uint32_t n_used = 0;         // experts per row
  float weights_scale = 1.0f;  // of all weights
};

struct MoeBuffers {
  MoeBuffers() = default;
  MoeBuffers(size_t n_batch, size_t n_expert, size_t n_used, size_t n_ff_exp, size_t n_embd);

  MatBuffer router_logits;  // [n_batch, n_expert]
  MatBuffer gate_up;        // [slots, 2 * n_ff_exp], slots = n_batch * n_used
  MatBuffer down;           // [slots, n_embd]
  // [n_batch][n_used], best expert first.
  std::vector<uint32_t> expert;
  std::vector<float> weight;
  std::vector<uint32_t> slot;
  // By slot, sorted by expert.
  std::vector<uint32_t> slot_row;
  std::vector<uint32_t> slot_expert;
  std::vector<uint32_t> slot_index;    // 0, 1, 2, ...
  std::vector<uint32_t> expert_begin;  // [n_expert + 1]
};

// out [x.n_rows, n_embd] = sum over the n_used experts with the largest router logits of
// weight * expert(x), where the weights are the softmax over those logits. router_x [x.n_rows,
// n_embd] is what the router sees. Rows are grouped by expert, so that an expert's weights are read
// once per step; each row's sum runs from its best expert to its worst, whatever the grouping. With
// a NaN among its logits a row is NaN.
void mixture_of_experts(const Step& step, MatView<const float> router_x, MatView<const float> x,
                        const MoeWeights& w, Activation activation, MoeBuffers& buffers,
                        MatView<float> out) noexcept;

}  // namespace wattle
