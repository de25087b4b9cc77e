// SPDX-License-Identifier: Apache-2.0
// How a product C = A B becomes tasks: which rows and columns each computes, and how the buffer of
// a core is divided. Reproduces what the vendor's runtime does for its own layouts, and what two
// public generators do for features in columns; tests/backend/rknpu holds each to recorded streams.
//
// Layouts, element sizes in bytes, cell = 16 bytes:
//   native    A (k / per cell, m, cell)   C (n / per cell, m, cell)
//   row-major A (m, k)                    C (m, n)
//   B is native always: (n / group, k / 32, group, 32), group = 16, 32, 64 for f16, i8, i4
#pragma once

#include <cstdint>
#include <vector>

#include "backend/rknpu/form.h"
#include "backend/rknpu/matmul_task.h"

namespace wattle::rknpu {

// How rows of A lie in the plane that a task reads.
enum class Orientation {
  native,     // side by side, native layout: the vendor's runtime
  column,     // one below the other, native layout: the public generators
  row_major,  // one below the other, row-major: the vendor's runtime
};

// Whose rules of cutting, where they differ.
enum class Runtime {
  v1_5,  // one line of features ahead; row-major: a task a row
  v1_6,
};

struct Matmul {
  MatmulType type = MatmulType::i8_i8_i32;
  uint32_t m = 0;
  uint32_t k = 0;
  uint32_t n = 0;
  uint32_t a = 0;  // addresses; the matrices end below 4 GiB
  uint32_t b = 0;
  uint32_t c = 0;
};

// The tasks, in the order in which they run. Throws Error (bad_input) for a shape that the hardware
// or the rules of `orientation` do not take, naming which:
//   all                k a multiple of 32
//   native, row_major  n a multiple of the type's group; native i4: m * k / 2 <= 128 KiB
//   column             one task: n <= 8192, m 1 or a multiple of 4, and the features must fit
// Error (unsupported) for Form::rocket with another orientation than column, which alone has been
// seen to run there.
std::vector<MatmulTask> plan_matmul(const Matmul& matmul, Orientation orientation,
                                    Form form = Form::vendor, Runtime runtime = Runtime::v1_6);

// The most rows that one task of the orientation column takes beside two groups of kernels, within
// what has been run on boards: a multiple of 4, and at least 4 for k up to 4096.
uint32_t column_rows(MatmulType type, uint32_t k) noexcept;

}  // namespace wattle::rknpu
