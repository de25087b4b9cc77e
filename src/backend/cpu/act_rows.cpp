// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/act_rows.h"

#include <algorithm>

#include "base/assert.h"
#include "base/parallel_rows.h"
#include "kernels/act_q8.h"

namespace wattle {

using kernels::ActFormat;

void ActRows::reserve(size_t max_rows, size_t n_cols, ActForm form) {
  if (form.format != ActFormat::q8) return;
  const size_t size = max_rows * kernels::act_row_bytes(ActFormat::q8, n_cols);
  if (high_.size() < size) high_ = AlignedBuffer<std::byte>(size);
  if (form.planes() == 1) return;
  if (low_.size() < size) low_ = AlignedBuffer<std::byte>(size);
  rest_floats_ = std::max(rest_floats_, n_cols);
  const size_t rest = rest_floats_ * context_.pool.size();
  if (rest_.size() < rest) rest_ = AlignedBuffer<float>(rest);
}

void ActRows::prepare(MatView<const float> x, ActForms forms) noexcept {
  x_ = x;
  for (size_t r = 0; r < x.n_rows; ++r) {
    WATTLE_ASSERT(reinterpret_cast<uintptr_t>(x.row(r)) % kCacheLine == 0);
  }
  if (!forms.q8) return;
  row_bytes_ = kernels::act_row_bytes(ActFormat::q8, x.n_cols);
  WATTLE_ASSERT(x.n_rows * row_bytes_ <= high_.size());
  WATTLE_ASSERT(!forms.q8_low || x.n_rows * row_bytes_ <= low_.size());
  parallel_rows(context_.pool, x.n_rows, x.n_cols, [&](size_t begin, size_t end, size_t thread) {
    for (size_t r = begin; r < end; ++r) {
      std::byte* high = high_.data() + r * row_bytes_;
      context_.kernels.quantize_act(x.row(r), x.n_cols, high);
      if (!forms.q8_low) continue;
      make_low(x.row(r), x.n_cols, high, rest_.data() + thread * rest_floats_,
               low_.data() + r * row_bytes_);
    }
  });
}

void ActRows::make_low(const float* x, size_t n_cols, const std::byte* high, float* rest,
                       std::byte* low) const noexcept {
  const kernels::ActQ8 act = kernels::act_q8(high, n_cols);
  for (size_t g = 0; g < n_cols / kernels::kActGroup; ++g) {
    const float scale = act.scale[g].scale;
    for (size_t i = g * kernels::kActGroup; i < (g + 1) * kernels::kActGroup; ++i) {
      rest[i] = x[i] - scale * static_cast<float>(act.q[i]);
    }
  }
  context_.kernels.quantize_act(rest, n_cols, low);
}

}  // namespace wattle
