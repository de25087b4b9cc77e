// SPDX-License-Identifier: Apache-2.0
// Weights as f16, a block at a time: what lies in a file as 32 codes and a scale becomes a run of
// 32 halves, and runs are laid down some way apart, as an NPU wants them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wattle::kernels {

// Run b, 64 bytes at out + b * step, holds the values of block b over the power of two that is
// returned: the very bits of DecodeRowFn and ElementwiseKernels::to_half for all blocks together.
// Where a value is not finite it returns a NaN, and writes nothing. n_blocks is not 0.
using HalfRunsFn = float (*)(const std::byte* blocks, size_t n_blocks, std::byte* out,
                             size_t step) noexcept;

namespace scalar {
float half_runs_q4_0(const std::byte* blocks, size_t n_blocks, std::byte* out,
                     size_t step) noexcept;
}
namespace avx2 {
float half_runs_q4_0(const std::byte* blocks, size_t n_blocks, std::byte* out,
                     size_t step) noexcept;
}
namespace neon {
float half_runs_q4_0(const std::byte* blocks, size_t n_blocks, std::byte* out,
                     size_t step) noexcept;
}

}  // namespace wattle::kernels
