// SPDX-License-Identifier: Apache-2.0
// Matrix products with NEON and its dot-product instructions (Armv8.2 dotprod).
#include "kernels/arm/gemm_q8.inl.h"
#include "kernels/arm/matmul_rows.inl.h"

namespace wattle::kernels {

constinit const MatmulSet neon::kMatmul{arm::kRows<arm::Dotprod>,
                                        sizeof arm::kRows<arm::Dotprod> / sizeof(MatmulRow)};

}  // namespace wattle::kernels
