// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/matrix_probe.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/aligned_buffer.h"
#include "base/split_mix64.h"

namespace wattle::rknpu {
namespace {

// How far a probed product may be from the one at fine precision on the processor: root mean square
// of the differences over that of the outputs. What rounding makes of random rows is a third of
// that or less; what a wrong address makes is about 1.
double tolerance_of(Arithmetic arithmetic) noexcept {
  switch (arithmetic) {
    case Arithmetic::w16a16: return 0.002;
    case Arithmetic::w8a8: return 0.1;
    case Arithmetic::w8a8_plain: return 0.3;  // rows with outliers
    case Arithmetic::w4a8: return 0.02;
    case Arithmetic::w4a4:
    case Arithmetic::w4a4_plain: return 0.8;
  }
  return 0;
}

// A single output may be that many times farther off: rows of W differ in size.
constexpr double kOutlier = 16;

}  // namespace

ProbeResult probe(const NpuMatrix& on_npu, const TensorView& w, float scale, Device& cpu,
                  ProductRunner& runner) {
  const size_t n_out = w.shape[0];
  const size_t n_in = w.shape[1];
  AlignedBuffer<float> x(n_in);
  AlignedBuffer<float> expected(n_out);
  AlignedBuffer<float> found(n_out);
  SplitMix64 random(n_in);
  for (float& v : x.span()) v = static_cast<float>(random.next() >> 40) * 0x1p-23f - 1.0f;
  const MatView<const float> row(x.data(), 1, n_in);

  const auto exact = cpu.prepare(w, {.max_rows = 1, .precision = Precision::fine, .scale = scale});
  const std::array<LinearCall, 1> call{{{exact.get(), MatView<float>(expected.data(), 1, n_out)}}};
  cpu.linear(row, call);
  const std::array<NpuProduct, 1> product{
      {{.w = on_npu, .y = MatView<float>(found.data(), 1, n_out)}}};
  constexpr std::array kOneRow{RowRange{0, 1}};
  runner.run(row, {}, kOneRow, product);

  double size = 0;
  double error = 0;
  double largest = 0;
  for (size_t n = 0; n < n_out; ++n) {
    const double difference = double{found[n]} - double{expected[n]};
    size += double{expected[n]} * double{expected[n]};
    error += difference * difference;
    largest = std::max(largest, std::abs(difference));
  }
  const auto n = static_cast<double>(n_out);
  ProbeResult result{.error = std::sqrt(error / n), .size = std::sqrt(size / n)};
  const double bound = tolerance_of(arithmetic_of(on_npu)) * result.size;
  result.passed = result.error <= bound && largest <= kOutlier * bound;  // a NaN is a miss
  return result;
}

}  // namespace wattle::rknpu
