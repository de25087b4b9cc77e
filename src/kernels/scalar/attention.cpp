// SPDX-License-Identifier: Apache-2.0
// The attention oracle: one query row and one cached entry at a time, in f64.
#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>

#include "base/half.h"
#include "quant/blocks.h"

namespace wattle::kernels::scalar {
namespace {

using quant::BlockQ8_0;
using quant::kBlockElems;

// ---- cached rows ----

void store_f32(const float* x, size_t n, std::byte* out) noexcept {
  std::memcpy(out, x, n * sizeof(float));
}

void store_f16(const float* x, size_t n, std::byte* out) noexcept {
  auto* halves = reinterpret_cast<uint16_t*>(out);
  for (size_t i = 0; i < n; ++i) halves[i] = f32_to_f16(x[i]);
}

void store_q8_0(const float* x, size_t n, std::byte* out) noexcept {
  auto* blocks = reinterpret_cast<BlockQ8_0*>(out);
  for (size_t b = 0; b < n / kBlockElems; ++b, x += kBlockElems) {
    float max = 0;
    bool finite = true;
    for (int i = 0; i < kBlockElems; ++i) {
      max = std::max(max, std::fabs(x[i]));
      finite = finite && std::isfinite(x[i]);
    }
    blocks[b].d = f32_to_f16(finite ? max / 127 : std::numeric_limits<float>::infinity());
    const float d = f16_to_f32(blocks[b].d);
    for (int i = 0; i < kBlockElems; ++i) {
      // A d of zero or infinity leaves zeros, which the latter turns into NaN when decoded. A d
      // that f16 rounded down (a lot, where it is subnormal) would leave the range of int8.
      const float q = d > 0 && std::isfinite(d) ? std::nearbyint(x[i] / d) : 0.0F;
      blocks[b].qs[i] = static_cast<int8_t>(std::clamp(q, -127.0F, 127.0F));
    }
  }
}

template <KvType type>
float element(const std::byte* const* pages, size_t row, size_t n_cols, size_t col) noexcept {
  const std::byte* const rows = pages[row / kAttentionPage];
  const size_t i = row % kAttentionPage * n_cols + col;
  if constexpr (type == KvType::f32) {
    return reinterpret_cast<const float*>(rows)[i];
  } else if constexpr (type == KvType::f16) {
    return f16_to_f32(reinterpret_cast<const uint16_t*>(rows)[i]);
  } else {  // a row is a whole number of blocks, so flat indices work here too
    const BlockQ8_0& block = reinterpret_cast<const BlockQ8_0*>(rows)[i / kBlockElems];
    return f16_to_f32(block.d) * block.qs[i % kBlockElems];
  }
}

// ---- attention ----

template <KvType k_type, KvType v_type>
void attention(const AttentionRun& run) noexcept {
  double* p = new (run.scratch) double[run.n_kv];  // placement: nothing is allocated
  for (size_t row = 0; row < run.n_q; ++row) {
    const size_t first = run.first[row];
    const size_t last = run.last[row];
    if (first >= last) continue;

    const float* q = run.q + row * run.q_stride;
    double max = run.max[row];
    for (size_t j = first; j < last; ++j) {
      double score = 0;
      for (size_t i = 0; i < run.head_dim_k; ++i) {
        score += static_cast<double>(q[i]) * element<k_type>(run.k, j, run.head_dim_k, i);
      }
      p[j] = score;
      max = std::max(max, score);
    }
    // The next run starts from the maximum as it is stored, so this one must use the same.
    max = static_cast<float>(max);

    const double carry = std::exp(run.max[row] - max);  // 0 in the first run, where max is -inf
    double sum = run.sum[row] * carry;
    for (size_t j = first; j < last; ++j) {
      p[j] = std::exp(p[j] - max);
      sum += p[j];
    }
    float* out = run.out + row * run.out_stride;
    for (size_t i = 0; i < run.head_dim_v; ++i) {
      double value = out[i] * carry;
      for (size_t j = first; j < last; ++j) {
        value += p[j] * element<v_type>(run.v, j, run.head_dim_v, i);
      }
      out[i] = static_cast<float>(value);
    }
    run.max[row] = static_cast<float>(max);
    run.sum[row] = static_cast<float>(sum);
  }
}

}  // namespace

using enum KvType;
constexpr AttentionByType kByType{{
    {attention<f32, f32>, attention<f32, f16>, attention<f32, q8_0>},
    {attention<f16, f32>, attention<f16, f16>, attention<f16, q8_0>},
    {attention<q8_0, f32>, attention<q8_0, f16>, attention<q8_0, q8_0>},
}};

constinit const AttentionKernels kAttention{
    .kv_store = {store_f32, store_f16, store_q8_0},
    .attention = kByType,
};

}  // namespace wattle::kernels::scalar
