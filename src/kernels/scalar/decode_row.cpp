// SPDX-License-Identifier: Apache-2.0
#include "kernels/decode_row.h"

#include "quant/decode.h"

namespace wattle::kernels::scalar {
namespace {

template <DType kType>
void decode(const std::byte* row, float* out, size_t n) noexcept {
  quant::dequantize_row(kType, row, out, n);
}

}  // namespace

const DecodeRowSet kDecodeRow{
    {decode<DType::f32>, decode<DType::f16>, decode<DType::q4_0>, decode<DType::q4_1>,
     decode<DType::q5_0>, decode<DType::q5_1>, decode<DType::q8_0>, decode<DType::q2_k>,
     decode<DType::q3_k>, decode<DType::q4_k>, decode<DType::q5_k>, decode<DType::q6_k>,
     decode<DType::iq4_nl>, decode<DType::iq4_xs>, decode<DType::bf16>, decode<DType::mxfp4>}};

}  // namespace wattle::kernels::scalar
