// SPDX-License-Identifier: Apache-2.0
// The list of kernels of one ISA file.
#pragma once

#include "kernels/x86/dense.inl.h"
#include "kernels/x86/gemm_q8.inl.h"

namespace wattle::kernels::x86 {
namespace {

template <class Simd, class Loop, class T>
constexpr MatmulKernel q8_kernel() {
  return {.name = {},
          .act = ActFormat::q8,
          .matvec = matvec<Loop, T>,
          .matmul = matmul_q8<Simd, T>,
          .matmul_from = Simd::kMatmulFrom,
          .tile_rows = Simd::kRows,
          .scratch_bytes = scratch_bytes_q8<Simd, T>};
}

template <class Simd, class T>
constexpr MatmulKernel float_kernel() {
  return {.name = {},
          .act = ActFormat::f32,
          .matvec = matvec<MatvecFloats, T>,
          .matmul = matmul_floats<Simd, T>,
          .matmul_from = Simd::kMatmulFromFloats,
          .tile_rows = Simd::kRows,
          .scratch_bytes = scratch_bytes_floats<Simd>};
}

template <class Simd, class Loop>
constexpr MatmulRow kRows[] = {
    {DType::f32, float_kernel<Simd, F32>()},
    {DType::f16, float_kernel<Simd, F16>()},
    {DType::bf16, float_kernel<Simd, BF16>()},
    {DType::q4_0, q8_kernel<Simd, Loop, Q4_0>()},
    {DType::q4_1, q8_kernel<Simd, Loop, Q4_1>()},
    {DType::q5_0, q8_kernel<Simd, Loop, Q5_0>()},
    {DType::q5_1, q8_kernel<Simd, Loop, Q5_1>()},
    {DType::q8_0, q8_kernel<Simd, Loop, Q8_0>()},
    {DType::q2_k, q8_kernel<Simd, Loop, Q2_K>()},
    {DType::q3_k, q8_kernel<Simd, Loop, Q3_K>()},
    {DType::q4_k, q8_kernel<Simd, Loop, Q4_K>()},
    {DType::q5_k, q8_kernel<Simd, Loop, Q5_K>()},
    {DType::q6_k, q8_kernel<Simd, Loop, Q6_K>()},
    {DType::iq4_nl, q8_kernel<Simd, Loop, IQ4_NL>()},
    {DType::iq4_xs, q8_kernel<Simd, Loop, IQ4_XS>()},
    {DType::mxfp4, q8_kernel<Simd, Loop, MXFP4>()},
};

}  // namespace
}  // namespace wattle::kernels::x86
