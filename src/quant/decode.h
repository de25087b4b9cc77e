// SPDX-License-Identifier: Apache-2.0
// Turns rows of any tensor type into floats: the plain formulas that every kernel is checked
// against, and what tools use where speed does not matter.
#pragma once

#include <cstddef>

#include "tensor/dtype.h"

namespace wattle::quant {

// out [n] = the values of a row of n elements; n is a multiple of the type's block_elems, `row` is
// 2-aligned (4 for f32) and row_bytes(type, n) long. Bit for bit the values of ggml. Products of
// scale and code are exact in f32 and each value is rounded at most once, so a compiler that fuses
// multiply and add changes nothing.
void dequantize_row(DType type, const std::byte* row, float* out, size_t n) noexcept;

}  // namespace wattle::quant
