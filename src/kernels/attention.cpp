// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

namespace wattle::kernels {

size_t attention_scratch_floats(size_t /*n_q*/, size_t n_kv, size_t /*head_dim_k*/,
                                size_t /*head_dim_v*/) noexcept {
  return 2 * n_kv;  // scalar: one f64 per entry
}

}  // namespace wattle::kernels
