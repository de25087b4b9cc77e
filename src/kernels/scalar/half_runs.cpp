// SPDX-License-Identifier: Apache-2.0
#include "kernels/half_runs.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/elementwise.h"
#include "quant/blocks.h"
#include "quant/decode.h"

namespace wattle::kernels::scalar {
namespace {

constexpr size_t kRun = quant::kBlockElems;

}  // namespace

// As its definition says: decoded twice, once for the largest magnitude of all blocks.
float half_runs_q4_0(const std::byte* blocks, size_t n_blocks, std::byte* out,
                     size_t step) noexcept {
  const auto decode = [&](size_t b, float(&values)[kRun]) {
    quant::dequantize_row(DType::q4_0, blocks + b * sizeof(quant::BlockQ4_0), values, kRun);
  };
  float values[kRun];
  float largest = 0;
  for (size_t b = 0; b < n_blocks; ++b) {
    decode(b, values);
    for (const float v : values) {
      if (!std::isfinite(v)) return v - v;
      largest = std::max(largest, std::abs(v));
    }
  }
  // With the largest one beside a run of its own, the run gets the power of two of all.
  for (size_t b = 0; b < n_blocks; ++b) {
    float with_largest[kRun + 1];
    decode(b, values);
    std::memcpy(with_largest, values, sizeof values);
    with_largest[kRun] = largest;
    uint16_t halves[kRun + 1];
    kElementwise.to_half(with_largest, kRun + 1, halves);
    std::memcpy(out + b * step, halves, kRun * sizeof(uint16_t));
  }
  uint16_t half = 0;
  return kElementwise.to_half(&largest, 1, &half);
}

}  // namespace wattle::kernels::scalar
