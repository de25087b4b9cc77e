// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

namespace wattle::kernels {

size_t attention_scratch_floats(size_t /*n_q*/, size_t n_kv, size_t head_dim_k,
                                size_t head_dim_v) noexcept {
  const size_t scalar = 2 * n_kv;                                  // one f64 per entry
  const size_t simd = kAttentionTile * (head_dim_k + head_dim_v);  // a tile as f32
  return scalar > simd ? scalar : simd;
}

}  // namespace wattle::kernels
