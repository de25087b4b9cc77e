// SPDX-License-Identifier: Apache-2.0
#include "model/blocks/ffn.h"

#include "base/parallel_rows.h"

namespace wattle {
namespace {

// An exponential costs about as much as this many floats of a plain element-wise loop.
constexpr size_t kExpFloats = 4;

}  // namespace

void gate_rows(const Step& step, Activation activation, MatView<float> gate,
               MatView<const float> up) noexcept {
  const auto gated_mul =
      activation == Activation::silu ? step.kernels().silu_mul : step.kernels().gelu_mul;
  parallel_rows(step.context.pool, gate.n_rows, gate.n_cols * kExpFloats,
                [&](size_t begin, size_t end, size_t) {
                  for (size_t r = begin; r < end; ++r) {
                    gated_mul(gate.row(r), up.row(r), gate.row(r), gate.n_cols);
                  }
                });
}

void gated_ffn(const Step& step, MatView<const float> x, const FfnWeights& w, Activation activation,
               FfnBuffers& buffers, MatView<float> out) noexcept {
  const MatView<float> gate = buffers.gate.view(x.n_rows, w.gate.n_out());
  const MatView<float> up = buffers.up.view(x.n_rows, w.up.n_out());
  project(step, x, {{w.gate, gate}, {w.up, up}});
  gate_rows(step, activation, gate, up);
  project(step, gate, {{w.down, out}});
}

}  // namespace wattle
