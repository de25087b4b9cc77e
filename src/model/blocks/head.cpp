// SPDX-License-Identifier: Apache-2.0
#include "model/blocks/head.h"

#include <algorithm>
#include <limits>

#include "base/parallel_rows.h"

namespace wattle {

void compute_outputs(const Step& step, MatView<const float> h, std::span<const uint32_t> rows,
                     const Head& head, MatBuffer& normed, const Outputs& outputs) noexcept {
  const MatView<float> n = normed.rows(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    step.kernels().rms_norm(h.row(rows[i]), head.norm.weight_data(), head.norm.eps, n.row(i),
                            h.n_cols);
  }
  if (outputs.hidden.n_rows != 0) {
    for (size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(n.row(i), n.n_cols, outputs.hidden.row(i));
    }
  }
  const RowsView<float> logits = outputs.logits;
  if (logits.n_rows == 0) return;
  project(step, n, {{head.output, logits}});
  if (head.softcap != 0.0f) {
    parallel_rows(
        step.context.pool, logits.n_rows, logits.n_cols, [&](size_t begin, size_t end, size_t) {
          for (size_t r = begin; r < end; ++r) {
            step.kernels().softcap(logits.row(r), head.softcap, logits.row(r), logits.n_cols);
          }
        });
  }
  for (size_t r = 0; r < logits.n_rows; ++r) {
    for (const TokenId token : head.suppressed) {
      logits.row(r)[to_int(token)] = -std::numeric_limits<float>::infinity();
    }
  }
}

}  // namespace wattle
