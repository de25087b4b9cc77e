// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/numerics/hadamard.h"

#include <cmath>

namespace wattle::rknpu {

void hadamard(std::span<float> x, size_t block) noexcept {
  const float norm = 1.0f / std::sqrt(static_cast<float>(block));
  for (size_t begin = 0; begin < x.size(); begin += block) {
    float* const b = x.data() + begin;
    for (size_t half = 1; half < block; half *= 2) {
      for (size_t i = 0; i < block; i += 2 * half) {
        for (size_t j = i; j < i + half; ++j) {
          const float sum = b[j] + b[j + half];
          b[j + half] = b[j] - b[j + half];
          b[j] = sum;
        }
      }
    }
    for (size_t i = 0; i < block; ++i) b[i] *= norm;
  }
}

}  // namespace wattle::rknpu
