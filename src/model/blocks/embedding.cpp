// SPDX-License-Identifier: Apache-2.0
#include "model/blocks/embedding.h"

#include "base/parallel_rows.h"

namespace wattle {

void embed(const Step& step, const TensorView& table, std::span<const TokenId> tokens, float factor,
           MatView<float> out) noexcept {
  const size_t n = table.n_cols();
  const size_t stride = row_bytes(table.dtype, n);
  const kernels::DecodeRowFn decode_row = step.kernels().decode_row_of(table.dtype);
  parallel_rows(step.context.pool, tokens.size(), n, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) {
      const std::byte* row = table.data + static_cast<size_t>(to_int(tokens[r])) * stride;
      decode_row(row, out.row(r), n);
      if (factor != 1.0f) step.kernels().scale(out.row(r), factor, out.row(r), n);
    }
  });
}

}  // namespace wattle
