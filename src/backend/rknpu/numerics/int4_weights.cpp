// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/numerics/int4_weights.h"

#include <algorithm>

#include "backend/rknpu/numerics/arithmetic.h"
#include "base/assert.h"
#include "kernels/scalar/unpack.h"

namespace wattle::rknpu {
namespace {

template <class Block>
void decode(const std::byte* row, size_t n, int offset, int8_t* code, float* scale,
            float* min) noexcept {
  using kernels::scalar::Shape;
  constexpr size_t kElems = Shape<Block>::kElems;
  constexpr size_t kGroups = kElems / Shape<Block>::kGroup;
  static_assert(Shape<Block>::kGroup == kInt4Group);
  const auto* blocks = reinterpret_cast<const Block*>(row);
  for (size_t b = 0; b < n / kElems; ++b) {
    kernels::scalar::Unpacked block;
    kernels::scalar::unpack(blocks[b], block);
    for (size_t i = 0; i < kElems; ++i)
      code[b * kElems + i] = static_cast<int8_t>(block.q[i] - offset);
    std::copy_n(block.scale, kGroups, scale + b * kGroups);
    std::copy_n(block.min, kGroups, min + b * kGroups);
  }
}

}  // namespace

std::optional<Int4Type> int4_type(DType type) noexcept {
  switch (type) {
    case DType::q4_0: return Int4Type{.offset = 0, .has_min = false};
    case DType::q4_1:
    case DType::q4_k: return Int4Type{.offset = 8, .has_min = true};
    default: return std::nullopt;
  }
}

void int4_weights(DType type, const std::byte* row, size_t n, int8_t* code, float* scale,
                  float* min) noexcept {
  switch (type) {
    case DType::q4_0: return decode<quant::BlockQ4_0>(row, n, 0, code, scale, min);
    case DType::q4_1: return decode<quant::BlockQ4_1>(row, n, 8, code, scale, min);
    case DType::q4_k: return decode<quant::BlockQ4_K>(row, n, 8, code, scale, min);
    default: WATTLE_ASSERT(false);
  }
}

}  // namespace wattle::rknpu
