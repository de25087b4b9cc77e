// SPDX-License-Identifier: Apache-2.0
// Where the NPU wants the elements of matrices: positions in elements, rows of A and C counted by
// m, columns of A by k, columns of C by n. B is (k, n); in memory the k of one n lie together. i4:
// two elements a byte, the even position in the high half.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "backend/rknpu/matmul_type.h"

namespace wattle::rknpu {

inline constexpr size_t kCellBytes = 16;
inline constexpr size_t kKernelColumns = 32;  // k that lie together in a kernel

// A (k / per cell, m, per cell)
constexpr size_t native_a(const MatmulTypeInfo& type, size_t n_rows, size_t m, size_t k) noexcept {
  const size_t per_cell = kCellBytes * 8 / type.operand_bits;
  return (k / per_cell * n_rows + m) * per_cell + k % per_cell;
}

// B (n / group, k / 32, group, 32); the last group may be smaller.
constexpr size_t native_b(const MatmulTypeInfo& type, size_t n_k, size_t n_n, size_t k,
                          size_t n) noexcept {
  const size_t first = n - n % type.kernel_group;
  const size_t group = std::min<size_t>(type.kernel_group, n_n - first);
  return first * n_k + (k / kKernelColumns * group + n - first) * kKernelColumns +
         k % kKernelColumns;
}

// C (n / per cell, m, per cell)
constexpr size_t native_c(const MatmulTypeInfo& type, size_t n_rows, size_t m, size_t n) noexcept {
  const size_t per_cell = kCellBytes / type.output_bytes;
  return (n / per_cell * n_rows + m) * per_cell + n % per_cell;
}

// Rows that a native A or C holds for each cell of columns: the vendor's runtime makes planes four
// rows wider where they are no multiple; one row stays one.
constexpr size_t native_plane_rows(size_t m) noexcept { return m == 1 ? 1 : (m + 3) / 4 * 4; }

}  // namespace wattle::rknpu
