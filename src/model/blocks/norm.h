// SPDX-License-Identifier: Apache-2.0
// RMS norm, and the sums of the residual stream.
#pragma once

#include <vector>

#include "model/step.h"
#include "tensor/view.h"

namespace wattle {

// rms(x) * weight, rms(x) = x / sqrt(mean(x^2) + eps).
struct Norm {
  std::vector<float> weight;  // empty: no weight
  float eps = 0.0f;

  const float* weight_data() const noexcept { return weight.empty() ? nullptr : weight.data(); }
};

// out = norm(x), row by row. out may be x.
void rms_norm(const Step& step, MatView<const float> x, const Norm& norm,
              MatView<float> out) noexcept;

// In place, each head of x [n_rows, n_head * head_dim] for itself.
void rms_norm_heads(const Step& step, MatView<float> x, size_t head_dim, const Norm& norm) noexcept;

// h += branch.
void add(const Step& step, MatView<float> h, MatView<const float> branch) noexcept;

// h += norm(branch). Overwrites branch.
void add_norm(const Step& step, MatView<float> h, MatView<float> branch, const Norm& norm) noexcept;

// h *= factor.
void scale(const Step& step, MatView<float> h, float factor) noexcept;

}  // namespace wattle
