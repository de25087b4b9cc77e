// SPDX-License-Identifier: Apache-2.0
// Matrix products of quantised weights with the matrix instructions of Armv8.6 (i8mm). One
// activation row has no use for them: the dot products of the neon set stay.
#include "kernels/arm/gemm_i8mm.inl.h"
#include "kernels/arm/matvec_q8.inl.h"

namespace wattle::kernels {
namespace arm {
namespace {

template <class T>
constexpr MatmulKernel kKernel{.name = {},
                               .act = ActFormat::q8,
                               .matvec = matvec_q8<T>,
                               .matmul = matmul_i8mm<T>,
                               .matmul_from = 5,
                               .tile_rows = kTileRows,
                               .scratch_bytes = scratch_bytes_q8<T>};

constexpr MatmulRow kRows[] = {
    {DType::q4_0, kKernel<Q4_0>},     {DType::q4_1, kKernel<Q4_1>},
    {DType::q5_0, kKernel<Q5_0>},     {DType::q5_1, kKernel<Q5_1>},
    {DType::q8_0, kKernel<Q8_0>},     {DType::q2_k, kKernel<Q2_K>},
    {DType::q3_k, kKernel<Q3_K>},     {DType::q4_k, kKernel<Q4_K>},
    {DType::q5_k, kKernel<Q5_K>},     {DType::q6_k, kKernel<Q6_K>},
    {DType::iq4_nl, kKernel<IQ4_NL>}, {DType::iq4_xs, kKernel<IQ4_XS>},
    {DType::mxfp4, kKernel<MXFP4>},
};

}  // namespace
}  // namespace arm

constinit const MatmulSet i8mm::kMatmul{arm::kRows, sizeof arm::kRows / sizeof arm::kRows[0]};

}  // namespace wattle::kernels
