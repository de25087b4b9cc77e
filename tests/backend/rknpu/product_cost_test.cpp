// SPDX-License-Identifier: Apache-2.0
// Costs of products by hand from the published figures.
#include "backend/rknpu/cost/product_cost.h"

#include <gtest/gtest.h>

namespace wattle::rknpu {
namespace {

constexpr ProductShape kQ4{.n_out = 1000, .n_in = 1024, .dtype = DType::q4_0};

TEST(RknpuProductCost, OneRowOnTheProcessorTakesAsLongAsItsWeights) {
  const Cost cost = cpu_product(kQ4, 1);
  EXPECT_DOUBLE_EQ(cost.ms, 1000 * 32 * 18 / 20e6);
  EXPECT_DOUBLE_EQ(cost.mj, cost.ms * 7.0);
}

TEST(RknpuProductCost, ManyRowsOnTheProcessorTakeAsLongAsTheirArithmetic) {
  const double macs = 512.0 * 1000 * 1024;
  EXPECT_DOUBLE_EQ(cpu_product(kQ4, 512).ms, macs / 90e6);
  const auto of = [](DType dtype, Precision precision) {
    return cpu_product({.n_out = 1000, .n_in = 1024, .dtype = dtype, .precision = precision}, 512);
  };
  EXPECT_DOUBLE_EQ(of(DType::q4_k, Precision::fine).ms, macs / (0.6 * 90e6));
  EXPECT_DOUBLE_EQ(of(DType::q8_0, Precision::normal).ms, macs / 52e6);
  EXPECT_DOUBLE_EQ(of(DType::q6_k, Precision::normal).ms, macs / 30e6);
  EXPECT_DOUBLE_EQ(of(DType::f16, Precision::fine).ms, macs / 48e6) << "floats are fine always";
}

// Three cores with 32 columns each: one task of four rows.
TEST(RknpuProductCost, OneTaskOfEachCore) {
  const ProductShape w{.n_out = 96, .n_in = 1024, .dtype = DType::q8_0};
  const double task_bytes = 32 * 1024 + 4 * 1024 + 4 * 32 * 4;
  const double npu_ms = 0.1 + 0.01 + 3 * task_bytes / 19.9e6;
  const double inputs = 4 * 1024 * 4 + 4 * 1024;
  const double outputs = 4 * 96 * 4 + 4 * 96 * 8;
  const double cpu_ms = (inputs + outputs) / 20e6;
  const Cost cost = npu_product(w, Arithmetic::w8a8, 4, 1);
  EXPECT_NEAR(cost.ms, npu_ms + cpu_ms, 1e-12);
  EXPECT_NEAR(cost.mj, npu_ms * 3.2 + cpu_ms * 7.0, 1e-12);
  const Cost shared = npu_product(w, Arithmetic::w8a8, 4, 0.25);
  EXPECT_NEAR(cost.ms - shared.ms, 0.075, 1e-12);
}

// Three rows are multiplied as four; what is packed for the processor's part is one row less.
TEST(RknpuProductCost, RowsAreFilledUpToWholeFours) {
  const ProductShape w{.n_out = 96, .n_in = 1024, .dtype = DType::q8_0};
  const double less = (1024 * 4 + 96 * 8) / 20e6;
  EXPECT_NEAR(npu_product(w, Arithmetic::w8a8, 4, 1).ms - npu_product(w, Arithmetic::w8a8, 3, 1).ms,
              less, 1e-12);
}

// A group of 32 weights is a product of its own, of two rows for each row.
TEST(RknpuProductCost, ResultsOfW4a8OutweighItsWeights) {
  const auto ms = [](Arithmetic arithmetic, size_t n_rows) {
    return npu_product({.n_out = 4096, .n_in = 4096, .dtype = DType::q4_0}, arithmetic, n_rows, 1)
        .ms;
  };
  const double results = 512.0 * 2 * 4096 * (4096 / 32) * 2;
  EXPECT_GT(ms(Arithmetic::w4a8, 512), results / 19.9e6 + results / 20e6);
  EXPECT_GT(ms(Arithmetic::w4a8, 512), 2 * ms(Arithmetic::w16a16, 512));
  EXPECT_GT(ms(Arithmetic::w4a8, 1), 4096 / 32 * 0.01) << "a task of each group";
}

}  // namespace
}  // namespace wattle::rknpu
