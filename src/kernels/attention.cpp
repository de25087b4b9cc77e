// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

#include <algorithm>

namespace wattle::kernels {

size_t attention_scratch_floats(size_t n_q, size_t n_kv, size_t head_dim_k,
                                size_t head_dim_v) noexcept {
  const size_t scalar = 2 * n_kv;                                  // one f64 per entry
  const size_t simd = kAttentionPage * (head_dim_k + head_dim_v);  // a page as f32
  const size_t avx512vnni = n_q * (head_dim_k / 2 + 32) + simd / 2 + 64 * kAttentionPage;
  return std::max({scalar, simd, avx512vnni});
}

}  // namespace wattle::kernels
