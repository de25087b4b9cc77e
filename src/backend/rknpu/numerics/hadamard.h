// SPDX-License-Identifier: Apache-2.0
// The Walsh-Hadamard transform of blocks of a row. It is orthogonal, H H^T = 1, so a product of two
// rows is that of their transforms; and every output is a sum of all elements of its block with
// signs, so an element that is much larger than the others is spread over the block instead of
// making the scale, and with it the rounding error of all the others, as large as itself.
#pragma once

#include <cstddef>
#include <span>

namespace wattle::rknpu {

// The largest power of two that divides n. n > 0.
constexpr size_t hadamard_block(size_t n) noexcept { return n & (~n + 1); }

// In place; `block` is a power of two that divides x.size(). Rounding: log2(block) additions.
void hadamard(std::span<float> x, size_t block) noexcept;

}  // namespace wattle::rknpu
