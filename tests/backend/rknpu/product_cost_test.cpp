// SPDX-License-Identifier: Apache-2.0
// Costs of products by hand from the published figures.
#include "backend/rknpu/cost/product_cost.h"

#include <gtest/gtest.h>

#include <algorithm>

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
  const NpuWay way{Arithmetic::w8a8};
  const Cost cost = npu_products(w, way, 4, 1);
  EXPECT_NEAR(cost.ms, npu_ms + cpu_ms, 1e-12);
  EXPECT_NEAR(cost.mj, npu_ms * 3.2 + cpu_ms * 7.0, 1e-12);
  const Cost four = npu_products(w, way, 4, 4);
  EXPECT_NEAR(four.ms, 4 * cost.ms - 3 * 0.1, 1e-12) << "in one submit";
}

// The processor packs rows for the first round and reads results of the last one alone; else the
// longer of both counts.
TEST(RknpuProductCost, RoundsOverlap) {
  const size_t n_out = 3 * 6144;
  const ProductShape w{.n_out = n_out, .n_in = 1024, .dtype = DType::q8_0};
  const double results = 512.0 * n_out * 4;  // 12 MiB of each core: three rounds
  const double cpu_ms = (512.0 * 1024 * 6 + results + 512.0 * n_out * 8) / 20e6;
  // A core's four banks hold 64 rows: eight tasks, each of which reads all weights.
  const double bytes = 8.0 * n_out * 2048 + 3 * 512.0 * 2048 + results;
  const double npu_ms = 3 * 0.1 + 8 * 0.01 + bytes / 19.9e6;
  const Cost cost = npu_products(w, {}, 512, 1);
  EXPECT_NEAR(cost.ms, cpu_ms / 3 + npu_ms, 1e-9);
  EXPECT_NEAR(cost.mj, cpu_ms * 7 + npu_ms * 3.2, 1e-9);
}

// An expert of Gemma 4 26B-A4B fills a slot. Its weights are read from the file, written in f16 and
// read by the NPU: that is more than memory moves while either works.
TEST(RknpuProductCost, StreamedWeightsArePackedWhileTheNpuWorks) {
  const ProductShape w{.n_out = 1408, .n_in = 2816, .dtype = DType::q4_0};
  const NpuWay streamed{Arithmetic::w16a16, Holding::streamed};
  const double n_weights = 1408.0 * 2816;
  const double pack_ms = std::max(n_weights * (18 / 32.0 + 2) / 20e6,
                                  n_weights / (kBoard.cpu_pack_q4_0_gweights * 1e6));
  // Features of each core, rows of x, results of two tiles, y: little beside.
  const double around = 8.0 * (3 * 2816 * 2 + 2816 * 6 + 2 * 2 * 1440 * 4 + 1408 * 8);
  const double memory_ms = (n_weights * (18 / 32.0 + 2 + 2) + around) / 24e6;
  ASSERT_GT(memory_ms, pack_ms);
  const Cost all = npu_products(w, streamed, 8, 100);
  EXPECT_NEAR(all.ms, 100 * memory_ms, 0.02 * all.ms) << "and what is packed first";
  const Cost resident = npu_products(w, {}, 8, 100);
  EXPECT_LT(resident.ms, all.ms);
  EXPECT_LT(all.ms, resident.ms + 100 * pack_ms);
  EXPECT_GT(all.mj - resident.mj, 7 * 100 * pack_ms);
  // For more rows than a piece has they are packed again.
  EXPECT_GT(npu_products(w, streamed, 513, 1).mj - npu_products(w, streamed, 512, 1).mj,
            7 * pack_ms);
  EXPECT_FALSE(is_priced({Arithmetic::w8a8, Holding::streamed}));
}

// Where the NPU and the processor move more together than memory does, both wait for it.
TEST(RknpuProductCost, BothShareTheMemory) {
  const ProductShape w{.n_out = 4096, .n_in = 4096, .dtype = DType::q4_0};
  const Cost cost = npu_products(w, {Arithmetic::w4a8}, 512, 1);
  const double results = 512.0 * 2 * 4096 * 128 * 2;
  EXPECT_GT(cost.ms, 2 * results / 24e6);
  EXPECT_LT(cost.ms, results / 19.9e6 + results / 20e6) << "one after the other";
  EXPECT_GT(cost.watts(), kBoard.cpu_watts);
  EXPECT_LT(cost.watts(), kBoard.cpu_watts + kBoard.busy_watts);
}

// Three rows are multiplied as four; what is packed for the processor's part is one row less.
TEST(RknpuProductCost, RowsAreFilledUpToWholeFours) {
  const ProductShape w{.n_out = 96, .n_in = 1024, .dtype = DType::q8_0};
  const double less = (1024 * 4 + 96 * 8) / 20e6;
  const NpuWay way{Arithmetic::w8a8};
  EXPECT_NEAR(npu_products(w, way, 4, 1).ms - npu_products(w, way, 3, 1).ms, less, 1e-12);
}

// A group of 32 weights is a product of its own, of two rows for each row.
TEST(RknpuProductCost, ResultsOfW4a8OutweighItsWeights) {
  const auto ms = [](Arithmetic arithmetic, size_t n_rows) {
    return npu_products({.n_out = 4096, .n_in = 4096, .dtype = DType::q4_0}, {arithmetic}, n_rows,
                        1)
        .ms;
  };
  const double results = 512.0 * 2 * 4096 * 128 * 2;
  EXPECT_GT(ms(Arithmetic::w4a8, 512), 2 * results / 24e6) << "written and read";
  EXPECT_GT(ms(Arithmetic::w4a8, 512), 1.5 * ms(Arithmetic::w16a16, 512));
  EXPECT_GT(ms(Arithmetic::w4a8, 1), 128 * 0.01) << "a task of each group";
}

}  // namespace
}  // namespace wattle::rknpu
