// SPDX-License-Identifier: Apache-2.0
// Floats to the simple formats, the way ggml's reference encoder does it. For tests, tools and
// whatever needs a row of a known type; model files are made elsewhere.
#pragma once

#include <cstddef>

#include "tensor/dtype.h"

namespace wattle::quant {

// Whether quantize_row knows the type: f32, f16, bf16, q8_0, q4_0, q4_1.
bool can_quantize(DType type) noexcept;

// out [row_bytes(type, n)] = x [n]; can_quantize(type), n a multiple of block_elems, x finite.
void quantize_row(DType type, const float* x, std::byte* out, size_t n) noexcept;

}  // namespace wattle::quant
