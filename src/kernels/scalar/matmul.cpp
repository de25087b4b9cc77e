// SPDX-License-Identifier: Apache-2.0
// The oracle of the fast matrix products. Types without quantised activations are in the reference
// set alone: its float kernels serve this set too.
#include "kernels/matmul.h"

#include <algorithm>

#include "kernels/act_q8.h"
#include "kernels/scalar/unpack.h"

namespace wattle::kernels::scalar {
namespace {

constexpr size_t kActs = 8;  // activation rows that share one unpacking of the weights

// One block against the activation row, from its element `first` on.
template <int kElems, int kGroup>
double dot_block(const Unpacked& w, const ActQ8& x, size_t first) noexcept {
  double sum = 0;
  for (int g = 0; g < kElems / kGroup; ++g) {
    int32_t products = 0;
    int32_t codes = 0;
    for (int i = g * kGroup; i < (g + 1) * kGroup; ++i) {
      const int32_t q = x.q[first + static_cast<size_t>(i)];
      products += w.q[i] * q;
      codes += q;
    }
    const size_t act_group = (first + static_cast<size_t>(g * kGroup)) / kActGroup;
    const double scale = x.scale[act_group].scale;
    sum += scale *
           (static_cast<double>(w.scale[g]) * products + static_cast<double>(w.min[g]) * codes);
  }
  return sum;
}

template <class Block>
void matmul(const MatmulArgs& args, RowRange rows) noexcept {
  constexpr size_t kElems = Shape<Block>::kElems;
  for (size_t r = rows.begin; r < rows.end; ++r) {
    const auto* blocks = reinterpret_cast<const Block*>(args.w + r * args.w_row_bytes);
    for (size_t a0 = 0; a0 < args.n_act; a0 += kActs) {
      const size_t n = std::min(kActs, args.n_act - a0);
      double sums[kActs] = {};
      for (size_t b = 0; b < args.n_cols / kElems; ++b) {
        Unpacked w;
        unpack(blocks[b], w);
        for (size_t a = 0; a < n; ++a) {
          const ActQ8 x = act_q8(args.act[a0 + a], args.n_cols);
          sums[a] += dot_block<Shape<Block>::kElems, Shape<Block>::kGroup>(w, x, b * kElems);
        }
      }
      for (size_t a = 0; a < n; ++a) args.y[a0 + a][r] = static_cast<float>(sums[a]);
    }
  }
}

size_t no_scratch(size_t /*n_cols*/) noexcept { return 0; }

template <class Block>
constexpr MatmulKernel kKernel{.name = {},
                               .act = ActFormat::q8,
                               .matvec = matmul<Block>,
                               .matmul = matmul<Block>,
                               .scratch_bytes = no_scratch};

constexpr MatmulRow kRows[] = {
    {DType::q4_0, kKernel<quant::BlockQ4_0>},     {DType::q4_1, kKernel<quant::BlockQ4_1>},
    {DType::q5_0, kKernel<quant::BlockQ5_0>},     {DType::q5_1, kKernel<quant::BlockQ5_1>},
    {DType::q8_0, kKernel<quant::BlockQ8_0>},     {DType::q2_k, kKernel<quant::BlockQ2_K>},
    {DType::q3_k, kKernel<quant::BlockQ3_K>},     {DType::q4_k, kKernel<quant::BlockQ4_K>},
    {DType::q5_k, kKernel<quant::BlockQ5_K>},     {DType::q6_k, kKernel<quant::BlockQ6_K>},
    {DType::iq4_nl, kKernel<quant::BlockIQ4_NL>}, {DType::iq4_xs, kKernel<quant::BlockIQ4_XS>},
    {DType::mxfp4, kKernel<quant::BlockMXFP4>},
};

}  // namespace

const MatmulSet kMatmul{kRows, std::size(kRows)};

}  // namespace wattle::kernels::scalar
