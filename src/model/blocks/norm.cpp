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

void rms_norm_heads(const Step& step, MatView<float> x, size_t head_dim,
                    const Norm& norm) noexcept {
  parallel_rows(step.context.pool, x.n_rows, x.n_cols, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) {
      for (float* head = x.row(r); head != x.row(r) + x.n_cols; head += head_dim) {
        step.kernels().rms_norm(head, norm.weight_data(), norm.eps, head, head_dim);
      }
    }
  });
}

void add(const Step& step, MatView<float> h, MatView<const float> branch) noexcept {
  parallel_rows(step.context.pool, h.n_rows, h.n_cols, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) {
      step.kernels().add(h.row(r), branch.row(r), h.row(r), h.n_cols);
    }
  });
}

void add_norm(const Step& step, MatView<float> h, MatView<float> branch,
              const Norm& norm) noexcept {
  parallel_rows(step.context.pool, h.n_rows, h.n_cols, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) {
      float* b = branch.row(r);
      step.kernels().rms_norm(b, norm.weight_data(), norm.eps, b, h.n_cols);
      step.kernels().add(h.row(r), b, h.row(r), h.n_cols);
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
