// SPDX-License-Identifier: Apache-2.0
// Rows of weights as floats, for what is computed with neither blocks nor int8.
#pragma once

#include <cstddef>

#include "tensor/dtype.h"

namespace wattle::kernels {

// out [n] = the values of a row of n elements of one type; n is a multiple of the type's
// block_elems. Every set gives the very bits of quant::dequantize_row (a NaN may be another one).
using DecodeRowFn = void (*)(const std::byte* row, float* out, size_t n) noexcept;

// One function a type, in the order of all_dtypes().
struct DecodeRowSet {
  DecodeRowFn of_type[16];
};

namespace scalar {
extern const DecodeRowSet kDecodeRow;
}
namespace avx2 {
extern const DecodeRowSet kDecodeRow;
}
namespace neon {
extern const DecodeRowSet kDecodeRow;
}

}  // namespace wattle::kernels
