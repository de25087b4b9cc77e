// SPDX-License-Identifier: Apache-2.0
#include "model/blocks/rope.h"

#include <cmath>

#include "base/parallel_rows.h"

namespace wattle {
namespace {

// A sine and a cosine in f64 cost about as much as this many floats of an element-wise loop.
constexpr size_t kAngleFloats = 32;

}  // namespace

Rope::Rope(const RopeParams& params, size_t n_batch)
    : style_(params.style),
      frequencies_(params.n_rot / 2),
      cos_buffer_(n_batch, params.n_rot / 2),
      sin_buffer_(n_batch, params.n_rot / 2) {
  for (size_t i = 0; i < frequencies_.size(); ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / params.n_rot;
    frequencies_[i] = params.freq_scale * std::pow(params.freq_base, exponent);
    if (!params.factors.empty()) frequencies_[i] /= params.factors[i];
  }
}

void Rope::prepare(const Step& step) noexcept {
  cos_ = cos_buffer_.rows(step.n_rows());
  sin_ = sin_buffer_.rows(step.n_rows());
  const size_t n = frequencies_.size();
  parallel_rows(step.context.pool, step.n_rows(), n * kAngleFloats,
                [&](size_t begin, size_t end, size_t) {
                  for (size_t r = begin; r < end; ++r) {
                    for (size_t i = 0; i < n; ++i) {
                      const double angle = to_int(step.pos[r]) * frequencies_[i];
                      cos_.row(r)[i] = static_cast<float>(std::cos(angle));
                      sin_.row(r)[i] = static_cast<float>(std::sin(angle));
                    }
                  }
                });
}

void Rope::rotate(const kernels::KernelTable& kernels, size_t r, std::span<float> row,
                  size_t head_dim) const noexcept {
  const auto turn = style_ == RopeStyle::neox ? kernels.rope_neox : kernels.rope_norm;
  for (size_t at = 0; at < row.size(); at += head_dim) {
    turn(&row[at], cos_.row(r), sin_.row(r), 2 * frequencies_.size());
  }
}

}  // namespace wattle
