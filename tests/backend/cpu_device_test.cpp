// SPDX-License-Identifier: Apache-2.0
// The processor as a Device against one plain product after the other.
#include "backend/cpu/cpu_device.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/random_matrix.h"

namespace wattle::test {
namespace {

constexpr size_t kCols = 512;

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : all_isas_fastest_first()) {
    if (detect_cpu_features().supports(isa)) isas.push_back(isa);
  }
  return isas;
}

Rows random_rows(RandomBlocks& random, size_t n_rows) { return random_rows(random, n_rows, kCols); }

class CpuDeviceTest : public testing::TestWithParam<Isa> {
 protected:
  EngineContext context{{.n_threads = 2, .isa = GetParam(), .log = {}}};
};

// int8 with a scale per 32: about 1 / 254 of the largest of 32 values, here with outliers of 20
// times the usual size. Two planes: that squared.
constexpr double kNormal = 0.03;
constexpr double kFine = 2e-4;

TEST_P(CpuDeviceTest, OneCallGivesTheProductsOfAllItsMatrices) {
  RandomBlocks random(1);
  std::vector<Matrix> matrices;
  for (const DTypeInfo& type : all_dtypes()) matrices.emplace_back(random, type.type, 70, kCols);
  for (const size_t n_rows : {1, 3, 40}) {
    const Rows x = random_rows(random, n_rows);
    for (size_t begin = 0; begin < matrices.size(); begin += kMaxLinearCalls) {
      CpuDevice device(context);
      std::vector<std::unique_ptr<Linear>> linears;
      std::vector<Rows> ys;
      std::vector<LinearCall> calls;
      ys.reserve(kMaxLinearCalls);
      const size_t end = std::min(matrices.size(), begin + kMaxLinearCalls);
      for (size_t m = begin; m < end; ++m) {
        linears.push_back(device.prepare(matrices[m].view, {.max_rows = n_rows}));
        ys.emplace_back(n_rows, 70);
        calls.push_back({linears.back().get(), ys.back().view});
      }
      device.linear(x.view, calls);
      for (size_t m = begin; m < end; ++m) {
        EXPECT_LE(relative_error(matrices[m], x.view, ys[m - begin].view), kNormal)
            << dtype_info(matrices[m].view.dtype).name << ", " << n_rows << " rows";
      }
    }
  }
}

TEST_P(CpuDeviceTest, FinePrecisionLeavesOnlyTheRoundingOfTheWeights) {
  RandomBlocks random(2);
  for (const DTypeInfo& type : all_dtypes()) {
    const Matrix w(random, type.type, 70, kCols);
    for (const size_t n_rows : {1, 3, 40}) {
      const Rows x = random_rows(random, n_rows);
      const Rows y(n_rows, 70);
      CpuDevice device(context);
      const auto linear =
          device.prepare(w.view, {.max_rows = n_rows, .precision = Precision::fine});
      device.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
      EXPECT_LE(relative_error(w, x.view, y.view), kFine) << type.name << ", " << n_rows << " rows";
    }
  }
}

TEST_P(CpuDeviceTest, ScaleMultipliesTheProduct) {
  RandomBlocks random(3);
  for (const Precision precision : {Precision::normal, Precision::fine}) {
    const Matrix w(random, DType::q8_0, 70, kCols);
    const Rows x = random_rows(random, 2);
    const Rows plain(2, 70);
    const Rows scaled(2, 70);
    CpuDevice device(context);
    const auto a = device.prepare(w.view, {.max_rows = 2, .precision = precision});
    const auto b = device.prepare(w.view, {.max_rows = 2, .precision = precision, .scale = 0.25f});
    device.linear(x.view, std::vector<LinearCall>{{a.get(), plain.view}, {b.get(), scaled.view}});
    for (size_t i = 0; i < 140; ++i) EXPECT_EQ(scaled.data[i], 0.25f * plain.data[i]);
  }
}

TEST_P(CpuDeviceTest, ExpertsAreTheProductsOfTheirOwnMatrices) {
  RandomBlocks random(4);
  constexpr size_t kExperts = 5;
  constexpr size_t kOut = 48;
  for (const Precision precision : {Precision::normal, Precision::fine}) {
    for (const DType dtype : {DType::q4_0, DType::f32}) {
      const Matrix all(random, dtype, kExperts * kOut, kCols);
      TensorView bank_view = all.view;
      bank_view.n_dims = 3;
      bank_view.shape = {kExperts, kOut, kCols, 1};
      const Rows x = random_rows(random, 20);
      // Expert 0 once, expert 1 never, expert 3 for many rows, the last one twice.
      std::vector<uint32_t> expert{0, 2, 2};
      std::vector<uint32_t> x_row{7, 0, 19};
      for (uint32_t r = 0; r < 20; ++r) {
        expert.push_back(3);
        x_row.push_back(19 - r);
      }
      expert.insert(expert.end(), {4, 4});
      x_row.insert(x_row.end(), {3, 3});

      CpuDevice device(context);
      const auto bank = device.prepare_experts(
          bank_view, {.max_rows = 20, .max_slots = expert.size(), .precision = precision});
      const Rows y(expert.size(), kOut);
      device.experts(x.view, {x_row, expert}, std::vector<ExpertCall>{{bank.get(), y.view}});
      EXPECT_LE(relative_error(all, kOut, x.view, x_row, expert, y.view),
                precision == Precision::fine ? kFine : kNormal)
          << dtype_info(dtype).name;
    }
  }
}

TEST_P(CpuDeviceTest, ThreadCountNeverChangesABit) {
  RandomBlocks random(5);
  const Matrix w(random, DType::q4_k, 1000, kCols);
  for (const size_t n_rows : {1, 30}) {
    const Rows x = random_rows(random, n_rows);
    std::vector<float> first;
    for (const size_t n_threads : {1, 2, 3, 5}) {
      EngineContext other({.n_threads = n_threads, .isa = GetParam(), .log = {}});
      CpuDevice device(other);
      const auto linear = device.prepare(w.view, {.max_rows = n_rows});
      const Rows y(n_rows, 1000);
      device.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
      const std::vector<float> values(y.data.span().begin(), y.data.span().end());
      if (n_threads == 1) first = values;
      EXPECT_EQ(values, first) << n_threads << " threads, " << n_rows << " rows";
    }
  }
}

TEST_P(CpuDeviceTest, NoRowsIsNoWork) {
  RandomBlocks random(6);
  const Matrix w(random, DType::q8_0, 16, kCols);
  CpuDevice device(context);
  const auto linear = device.prepare(w.view, {.max_rows = 1});
  device.linear(MatView<const float>(nullptr, 0, kCols),
                std::vector<LinearCall>{{linear.get(), MatView<float>(nullptr, 0, 16)}});
}

INSTANTIATE_TEST_SUITE_P(EveryIsa, CpuDeviceTest, testing::ValuesIn(available_isas()),
                         [](const auto& param) { return std::string(isa_name(param.param)); });

}  // namespace
}  // namespace wattle::test
