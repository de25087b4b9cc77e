// SPDX-License-Identifier: Apache-2.0
#include "quant/decode.h"

#include <cstdint>
#include <cstring>

#include "base/assert.h"
#include "base/half.h"
#include "quant/decode_blocks.h"

namespace wattle::quant {
namespace {

template <class Block>
void decode_row(const std::byte* row, float* out, size_t n, size_t block_elems) noexcept {
  const auto* blocks = reinterpret_cast<const Block*>(row);
  for (size_t b = 0; b < n / block_elems; ++b) decode_block(blocks[b], out + b * block_elems);
}

}  // namespace

void dequantize_row(DType type, const std::byte* row, float* out, size_t n) noexcept {
  WATTLE_ASSERT(n % dtype_info(type).block_elems == 0);
  const auto* halves = reinterpret_cast<const uint16_t*>(row);
  switch (type) {
    case DType::f32: std::memcpy(out, row, n * sizeof(float)); return;
    case DType::f16:
      for (size_t i = 0; i < n; ++i) out[i] = f16_to_f32(halves[i]);
      return;
    case DType::bf16:
      for (size_t i = 0; i < n; ++i) out[i] = bf16_to_f32(halves[i]);
      return;
    case DType::q4_0: return decode_row<BlockQ4_0>(row, out, n, kBlockElems);
    case DType::q4_1: return decode_row<BlockQ4_1>(row, out, n, kBlockElems);
    case DType::q5_0: return decode_row<BlockQ5_0>(row, out, n, kBlockElems);
    case DType::q5_1: return decode_row<BlockQ5_1>(row, out, n, kBlockElems);
    case DType::q8_0: return decode_row<BlockQ8_0>(row, out, n, kBlockElems);
    case DType::q2_k: return decode_row<BlockQ2_K>(row, out, n, kSuperBlockElems);
    case DType::q3_k: return decode_row<BlockQ3_K>(row, out, n, kSuperBlockElems);
    case DType::q4_k: return decode_row<BlockQ4_K>(row, out, n, kSuperBlockElems);
    case DType::q5_k: return decode_row<BlockQ5_K>(row, out, n, kSuperBlockElems);
    case DType::q6_k: return decode_row<BlockQ6_K>(row, out, n, kSuperBlockElems);
    case DType::iq4_nl: return decode_row<BlockIQ4_NL>(row, out, n, kBlockElems);
    case DType::iq4_xs: return decode_row<BlockIQ4_XS>(row, out, n, kSuperBlockElems);
    case DType::mxfp4: return decode_row<BlockMXFP4>(row, out, n, kBlockElems);
  }
}

}  // namespace wattle::quant
