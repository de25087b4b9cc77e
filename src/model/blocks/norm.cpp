// SPDX-License-Identifier: Apache-2.0
#include "model/blocks/norm.h"

#include "base/parallel_rows.h"

namespace wattle {

void rms_norm(const Step& step, MatView<const float> x, const Norm& norm,
              MatView<float> out) noexcept {
  parallel_rows(step.context.pool, x.n_rows, x.n_cols, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) {
      step.kernels().rms_norm(x.row(r), norm.weight_data(), norm.eps, out.row(r), x.n_cols);
    }
  });
}

void rms_norm_heads(const kernels::KernelTable& kernels, std::span<float> row, size_t head_dim,
                    const Norm& norm) noexcept {
  for (size_t at = 0; at < row.size(); at += head_dim) {
    float* const head = &row[at];
    kernels.rms_norm(head, norm.weight_data(), norm.eps, head, head_dim);
  }
}

void add_branch(const Step& step, MatView<float> h, MatView<float> branch, BranchNorms norms,
                MatView<float> x) noexcept {
  const kernels::KernelTable& kernels = step.kernels();
  const auto norm_row = [&](const Norm& norm, const float* from, float* to) {
    kernels.rms_norm(from, norm.weight_data(), norm.eps, to, h.n_cols);
  };
  parallel_rows(step.context.pool, h.n_rows, h.n_cols, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) {
      if (norms.after != nullptr) norm_row(*norms.after, branch.row(r), branch.row(r));
      kernels.add(h.row(r), branch.row(r), h.row(r), h.n_cols);
      if (norms.next != nullptr) norm_row(*norms.next, h.row(r), x.row(r));
    }
  });
}

void scale(const Step& step, MatView<float> h, float factor) noexcept {
  parallel_rows(step.context.pool, h.n_rows, h.n_cols, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) {
      step.kernels().scale(h.row(r), factor, h.row(r), h.n_cols);
    }
  });
}

}  // namespace wattle
