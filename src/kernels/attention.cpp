// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

#include <algorithm>

namespace wattle::kernels {

size_t attention_scratch_floats(size_t n_q, size_t n_kv, size_t head_dim_k,
                                size_t head_dim_v) noexcept {
  const size_t scalar = 2 * n_kv;                                  // one f64 per entry
  const size_t simd = kAttentionPage * (head_dim_k + head_dim_v);  // a page as f32
  // Pairs of 16 bits: a page, and the query rows with a scale each; heads rounded up to 32 columns.
  const size_t pairs =
      (kAttentionPage * (head_dim_k + 32) + kAttentionPage * (head_dim_v + 32)) / 2 +
      n_q * ((head_dim_k + 32) / 2 + 1);
  return std::max({scalar, simd, pairs});
}

}  // namespace wattle::kernels
