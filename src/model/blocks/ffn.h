// SPDX-License-Identifier: Apache-2.0
// The gated feed-forward network (Shazeer, GLU variants): down(act(gate x) * up x).
#pragma once

#include "model/blocks/projection.h"
#include "model/mat_buffer.h"

namespace wattle {

enum class Activation : uint8_t { silu, gelu_tanh };

struct FfnWeights {
  Projection gate;  // [n_ff, n_embd]
  Projection up;    // [n_ff, n_embd]
  Projection down;  // [n_embd, n_ff]
};

struct FfnBuffers {
  FfnBuffers() = default;
  FfnBuffers(size_t n_batch, size_t max_n_ff) : gate(n_batch, max_n_ff), up(n_batch, max_n_ff) {}
  MatBuffer gate;
  MatBuffer up;
};

// gate = act(gate) * up, row by row.
void gate_rows(const Step& step, Activation activation, MatView<float> gate,
               MatView<const float> up) noexcept;

// out [x.n_rows, n_embd], overwritten; must not be x.
void gated_ffn(const Step& step, MatView<const float> x, const FfnWeights& w, Activation activation,
               FfnBuffers& buffers, MatView<float> out) noexcept;

}  // namespace wattle
