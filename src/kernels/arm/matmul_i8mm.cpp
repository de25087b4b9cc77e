// SPDX-License-Identifier: Apache-2.0
// Matrix products with NEON and the matrix instructions of Armv8.6 (i8mm). One activation row has
// no use for them, floats neither: these are multiplied as in the neon set.
#include "kernels/arm/gemm_i8mm.inl.h"
#include "kernels/arm/matmul_rows.inl.h"

namespace wattle::kernels {

constinit const MatmulSet i8mm::kMatmul{arm::kRows<arm::I8mm>,
                                        sizeof arm::kRows<arm::I8mm> / sizeof(MatmulRow)};

}  // namespace wattle::kernels
