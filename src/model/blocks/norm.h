// SPDX-License-Identifier: Apache-2.0
// RMS norm, and the sums of the residual stream.
#pragma once

#include <span>
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

// In place, each head of a row [n_head * head_dim] for itself.
void rms_norm_heads(const kernels::KernelTable& kernels, std::span<float> row, size_t head_dim,
                    const Norm& norm) noexcept;

// Where one branch of the residual stream ends and the next begins.
struct BranchNorms {
  const Norm* after = nullptr;  // of the branch that ends, before it is added
  const Norm* next = nullptr;   // of the stream, for the branch that begins
};

// h += branch, or after(branch), which overwrites it; then x = next(h), where there is one. A row
// goes through all of it while it is in the cache.
void add_branch(const Step& step, MatView<float> h, MatView<float> branch, BranchNorms norms,
                MatView<float> x = {}) noexcept;

// h *= factor.
void scale(const Step& step, MatView<float> h, float factor) noexcept;

}  // namespace wattle
