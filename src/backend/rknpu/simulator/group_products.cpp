// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/simulator/group_products.h"

#include <cstring>

#include "base/cpu_features.h"
#include "base/half.h"

namespace wattle::rknpu {
namespace {

void unpack_i8(const std::byte* kernel, int16_t* block) noexcept {
  for (size_t i = 0; i < kBlock; ++i) block[i] = std::to_integer<int8_t>(kernel[i]);
}

template <size_t kBlockBytes, auto kUnpack>
void integers(const int16_t* rows, size_t n_rows, size_t n_k, const std::byte* kernels,
              size_t n_kernels, int32_t* sums) noexcept {
  std::memset(sums, 0, n_rows * n_kernels * sizeof *sums);
  for (size_t block = 0; block < n_k / kBlock; ++block) {
    for (size_t n = 0; n < n_kernels; ++n) {
      int16_t weights[kBlock];
      kUnpack(kernels + (block * n_kernels + n) * kBlockBytes, weights);
      for (size_t m = 0; m < n_rows; ++m) {
        const int16_t* row = rows + m * n_k + block * kBlock;
        int32_t sum = 0;
        for (size_t i = 0; i < kBlock; ++i) sum += row[i] * weights[i];
        sums[m * n_kernels + n] += sum;
      }
    }
  }
}

void halves(const float* rows, size_t n_rows, size_t n_k, const std::byte* kernels,
            size_t n_kernels, float* sums) noexcept {
  for (size_t n = 0; n < n_kernels; ++n) {
    for (size_t m = 0; m < n_rows; ++m) {
      float lanes[kBlock] = {};
      for (size_t block = 0; block < n_k / kBlock; ++block) {
        uint16_t weights[kBlock];
        std::memcpy(weights, kernels + (block * n_kernels + n) * sizeof weights, sizeof weights);
        const float* row = rows + m * n_k + block * kBlock;
        for (size_t i = 0; i < kBlock; ++i) lanes[i] += row[i] * f16_to_f32(weights[i]);
      }
      for (size_t half = kBlock / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; ++i) lanes[i] += lanes[half + i];
      }
      sums[m * n_kernels + n] = lanes[0];
    }
  }
}

}  // namespace

// Even channels are the high halves of bytes.
void unpack_i4(const std::byte* bytes, int16_t* block) noexcept {
  for (size_t i = 0; i < kBlock / 2; ++i) {
    const auto byte = std::to_integer<int8_t>(bytes[i]);
    block[i] = static_cast<int16_t>(byte >> 4);
    block[kBlock / 2 + i] = static_cast<int16_t>(static_cast<int8_t>(byte * 16) >> 4);
  }
}

const GroupProducts kPlainGroupProducts = {
    .i8 = integers<kBlock, unpack_i8>, .i4 = integers<kBlock / 2, unpack_i4>, .f16 = halves};

const GroupProducts& group_products() noexcept {
#if defined(__x86_64__)
  static const bool has_avx2 = detect_cpu_features().avx2;
  if (has_avx2) return kAvx2GroupProducts;
#endif
  return kPlainGroupProducts;
}

}  // namespace wattle::rknpu
