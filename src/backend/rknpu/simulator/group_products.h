// SPDX-License-Identifier: Apache-2.0
// Rows of features times a group of kernels: where the simulator spends its time. Two sets with
// equal results, of which one is for processors with AVX2.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wattle::rknpu {

inline constexpr size_t kBlock = 32;  // channels that lie together in a kernel

// sums[m, n] = the sum over k of rows[m, k] * kernels[n, k]
//   rows     [n_rows, n_k], n_k a multiple of 32. i4: in each block the 16 even channels, then the
//            16 odd ones
//   kernels  [n_k / 32, n_kernels, 32], elements as in the NPU's memory
//   sums     [n_rows, n_kernels], overwritten
// Integer sums are exact for n_k < 2^16. f16: 32 sums of f32 side by side, for k of the same k % 32
// in their order; at the end the upper half is added to the lower until one is left. Products of
// two f16 are exact in f32, so it does not matter whether they are fused.
struct GroupProducts {
  void (*i8)(const int16_t* rows, size_t n_rows, size_t n_k, const std::byte* kernels,
             size_t n_kernels, int32_t* sums) noexcept;
  void (*i4)(const int16_t* rows, size_t n_rows, size_t n_k, const std::byte* kernels,
             size_t n_kernels, int32_t* sums) noexcept;
  void (*f16)(const float* rows, size_t n_rows, size_t n_k, const std::byte* kernels,
              size_t n_kernels, float* sums) noexcept;
};

extern const GroupProducts kPlainGroupProducts;
#if defined(__x86_64__)
extern const GroupProducts kAvx2GroupProducts;
#endif

// 16 bytes of i4 as 32 elements in the order of rows.
void unpack_i4(const std::byte* bytes, int16_t* block) noexcept;

// The fastest this processor runs.
const GroupProducts& group_products() noexcept;

}  // namespace wattle::rknpu
