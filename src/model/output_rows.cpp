// SPDX-License-Identifier: Apache-2.0
#include "model/output_rows.h"

#include <algorithm>
#include <numeric>

namespace wattle {

OutputRows::OutputRows(size_t n_batch) : seq_(n_batch), pos_(n_batch), numbers_(n_batch) {
  std::iota(numbers_.begin(), numbers_.end(), 0u);
}

void OutputRows::keep(Step& step, std::span<const uint32_t>& rows,
                      std::initializer_list<MatView<float>*> matrices,
                      std::initializer_list<Rope*> ropes) noexcept {
  const size_t n = rows.size();
  if (n == step.n_rows()) return;
  for (size_t i = 0; i < n; ++i) {
    seq_[i] = step.seq[rows[i]];
    pos_[i] = step.pos[rows[i]];
    if (rows[i] == i) continue;
    for (const MatView<float>* m : matrices) std::copy_n(m->row(rows[i]), m->n_cols, m->row(i));
  }
  for (MatView<float>* m : matrices) *m = m->rows({0, n});
  step.seq = {seq_.data(), n};
  step.pos = {pos_.data(), n};
  rows = {numbers_.data(), n};
  for (Rope* rope : ropes) rope->prepare(step);
}

}  // namespace wattle
