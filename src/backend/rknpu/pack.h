// SPDX-License-Identifier: Apache-2.0
// Matrices of a product in the NPU's memory, element by element: plain, for tests of devices and as
// the yardstick of faster packers.
#pragma once

#include <cstddef>
#include <span>

#include "backend/rknpu/matmul_plan.h"

namespace wattle::rknpu {

// Of matmul.m, k, n and type; the addresses do not matter.
size_t bytes_of_a(const Matmul& matmul, Orientation orientation) noexcept;
size_t bytes_of_b(const Matmul& matmul) noexcept;
size_t bytes_of_c(const Matmul& matmul, Orientation orientation) noexcept;

// a [m, k], b [n, k]: as weights are stored, the k of one column of B together. Values must be some
// that the type holds; f16 are rounded to it. `out` has bytes_of_...; rows that only fill a plane
// become zeros.
void pack_a(const Matmul& matmul, Orientation orientation, std::span<const float> a,
            std::span<std::byte> out);
void pack_b(const Matmul& matmul, std::span<const float> b, std::span<std::byte> out);

// The reverse for C [m, n]; every value of every type is exact.
void unpack_c(const Matmul& matmul, Orientation orientation, std::span<const std::byte> c,
              std::span<double> out);

}  // namespace wattle::rknpu
