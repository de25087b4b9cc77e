// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"

#include <algorithm>
#include <iterator>

#include "quant/blocks.h"
#include "quant/decode.h"

namespace wattle::kernels::reference {
namespace {

constexpr size_t kActs = 8;  // activation rows that share one decoding of the weights

template <DType kType>
void matmul(const MatmulArgs& args, RowRange rows) noexcept {
  // Pieces that are whole blocks of every type: 256, and what is left.
  constexpr size_t kPiece = quant::kSuperBlockElems;
  float w[kPiece];
  for (size_t r = rows.begin; r < rows.end; ++r) {
    const std::byte* row = args.w + r * args.w_row_bytes;
    for (size_t a0 = 0; a0 < args.n_act; a0 += kActs) {
      const size_t n_act = std::min(kActs, args.n_act - a0);
      double sums[kActs] = {};
      for (size_t i0 = 0; i0 < args.n_cols; i0 += kPiece) {
        const size_t n = std::min(kPiece, args.n_cols - i0);
        quant::dequantize_row(kType, row + row_bytes(kType, i0), w, n);
        for (size_t a = 0; a < n_act; ++a) {
          const float* x = reinterpret_cast<const float*>(args.act[a0 + a]) + i0;
          for (size_t i = 0; i < n; ++i) sums[a] += static_cast<double>(w[i]) * x[i];
        }
      }
      for (size_t a = 0; a < n_act; ++a) args.y[a0 + a][r] = static_cast<float>(sums[a]);
    }
  }
}

size_t no_scratch(size_t /*n_cols*/) noexcept { return 0; }

template <DType kType>
constexpr MatmulRow kRow{kType,
                         {.name = {},
                          .act = ActFormat::f32,
                          .matvec = matmul<kType>,
                          .matmul = matmul<kType>,
                          .scratch_bytes = no_scratch}};

constexpr MatmulRow kRows[] = {
    kRow<DType::f32>,  kRow<DType::f16>,    kRow<DType::bf16>,   kRow<DType::q4_0>,
    kRow<DType::q4_1>, kRow<DType::q5_0>,   kRow<DType::q5_1>,   kRow<DType::q8_0>,
    kRow<DType::q2_k>, kRow<DType::q3_k>,   kRow<DType::q4_k>,   kRow<DType::q5_k>,
    kRow<DType::q6_k>, kRow<DType::iq4_nl>, kRow<DType::iq4_xs>, kRow<DType::mxfp4>,
};

}  // namespace

const MatmulSet kMatmul{kRows, std::size(kRows)};

}  // namespace wattle::kernels::reference
