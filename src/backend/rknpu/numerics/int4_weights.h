// SPDX-License-Identifier: Apache-2.0
// Weights of a GGUF file that are 4-bit integers already, for w4a8: element i of a row is
// scale[g] * (code[i] + offset) + min[g] with g = i / 32, exactly as the file says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "tensor/dtype.h"

namespace wattle::rknpu {

struct Int4Type {
  int offset;    // 0, or 8 where the codes of the file are [0, 15]
  bool has_min;  // else all are 0
};

// q4_0, q4_1, q4_k; nothing for other types.
std::optional<Int4Type> int4_type(DType type) noexcept;

// Of n weights of a row; code [n] in [-8, 7], scale and min [n / 32]. The type has an Int4Type.
void int4_weights(DType type, const std::byte* row, size_t n, int8_t* code, float* scale,
                  float* min) noexcept;

}  // namespace wattle::rknpu
