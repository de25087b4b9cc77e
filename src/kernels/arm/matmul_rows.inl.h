// SPDX-License-Identifier: Apache-2.0
// The list of kernels of one ISA file. Gemm says how many activation rows are multiplied:
//   template <class T> static void matmul(args, rows) noexcept
#pragma once

#include "kernels/arm/dense.inl.h"
#include "kernels/arm/matvec_q8.inl.h"

namespace wattle::kernels::arm {
namespace {

template <class Gemm, class T>
constexpr MatmulKernel kKernel{.name = {},
                               .act = ActFormat::q8,
                               .matvec = matvec_q8<T>,
                               .matmul = Gemm::template matmul<T>,
                               .matmul_from = 5,
                               .tile_rows = kTileRows,
                               .scratch_bytes = scratch_bytes_q8<T>};

template <class T>
constexpr MatmulKernel kFloatKernel{.name = {},
                                    .act = ActFormat::f32,
                                    .matvec = matvec_floats<T>,
                                    .matmul = matmul_floats<T>,
                                    .matmul_from = 5,
                                    .tile_rows = kTileRows,
                                    .scratch_bytes = scratch_bytes_floats};

template <class Gemm>
constexpr MatmulRow kRows[] = {
    {DType::f32, kFloatKernel<F32>},        {DType::f16, kFloatKernel<F16>},
    {DType::bf16, kFloatKernel<BF16>},      {DType::q4_0, kKernel<Gemm, Q4_0>},
    {DType::q4_1, kKernel<Gemm, Q4_1>},     {DType::q5_0, kKernel<Gemm, Q5_0>},
    {DType::q5_1, kKernel<Gemm, Q5_1>},     {DType::q8_0, kKernel<Gemm, Q8_0>},
    {DType::q2_k, kKernel<Gemm, Q2_K>},     {DType::q3_k, kKernel<Gemm, Q3_K>},
    {DType::q4_k, kKernel<Gemm, Q4_K>},     {DType::q5_k, kKernel<Gemm, Q5_K>},
    {DType::q6_k, kKernel<Gemm, Q6_K>},     {DType::iq4_nl, kKernel<Gemm, IQ4_NL>},
    {DType::iq4_xs, kKernel<Gemm, IQ4_XS>}, {DType::mxfp4, kKernel<Gemm, MXFP4>},
};

}  // namespace
}  // namespace wattle::kernels::arm
