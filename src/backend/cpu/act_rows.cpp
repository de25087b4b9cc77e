// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/act_rows.h"

#include "base/assert.h"
#include "base/half.h"
#include "base/parallel_rows.h"
#include "kernels/act_q8.h"

namespace wattle {

using kernels::ActFormat;

void ActRows::reserve(size_t max_rows, size_t n_cols, ActForm form) {
  if (form.format == ActFormat::f32) return;
  Rounded& rows = of(form.format);
  const size_t size = max_rows * kernels::act_row_bytes(form.format, n_cols);
  if (rows.high.size() < size) rows.high = AlignedBuffer<std::byte>(size);
  if (form.planes() == 1) return;
  if (rows.low.size() < size) rows.low = AlignedBuffer<std::byte>(size);
  rest_floats_ = std::max(rest_floats_, n_cols);
  const size_t rest = rest_floats_ * context_.pool.size();
  if (rest_.size() < rest) rest_ = AlignedBuffer<float>(rest);
}

void ActRows::prepare(MatView<const float> x, ActForms forms) noexcept {
  x_ = x;
  for (size_t r = 0; r < x.n_rows; ++r) {
    WATTLE_ASSERT(reinterpret_cast<uintptr_t>(x.row(r)) % kCacheLine == 0);
  }
  if (forms.q8_planes != 0) round(ActFormat::q8, forms.q8_planes);
  if (forms.bf16_planes != 0) round(ActFormat::bf16, forms.bf16_planes);
}

void ActRows::round(ActFormat format, size_t planes) noexcept {
  Rounded& rows = of(format);
  rows.row_bytes = kernels::act_row_bytes(format, x_.n_cols);
  WATTLE_ASSERT(x_.n_rows * rows.row_bytes <= rows.high.size());
  WATTLE_ASSERT(planes == 1 || x_.n_rows * rows.row_bytes <= rows.low.size());
  const auto some = [&](size_t begin, size_t end, size_t thread) {
    for (size_t r = begin; r < end; ++r) {
      std::byte* high = rows.high.data() + r * rows.row_bytes;
      round_row(format, x_.row(r), high);
      if (planes == 1) continue;
      float* rest = rest_.data() + thread * rest_floats_;
      find_rest(format, x_.row(r), high, rest);
      round_row(format, rest, rows.low.data() + r * rows.row_bytes);
    }
  };
  parallel_rows(context_.pool, x_.n_rows, x_.n_cols, some);
}

void ActRows::round_row(ActFormat format, const float* x, std::byte* out) const noexcept {
  const auto to =
      format == ActFormat::q8 ? context_.kernels.quantize_act : context_.kernels.round_act;
  to(x, x_.n_cols, out);
}

// x without its high part.
void ActRows::find_rest(ActFormat format, const float* x, const std::byte* high,
                        float* rest) const noexcept {
  if (format == ActFormat::bf16) {
    const auto* rounded = reinterpret_cast<const uint16_t*>(high);
    for (size_t i = 0; i < x_.n_cols; ++i) rest[i] = x[i] - bf16_to_f32(rounded[i]);
    return;
  }
  const kernels::ActQ8 act = kernels::act_q8(high, x_.n_cols);
  for (size_t g = 0; g < x_.n_cols / kernels::kActGroup; ++g) {
    const float scale = act.scale[g].scale;
    for (size_t i = g * kernels::kActGroup; i < (g + 1) * kernels::kActGroup; ++i) {
      rest[i] = x[i] - scale * static_cast<float>(act.q[i]);
    }
  }
}

}  // namespace wattle
