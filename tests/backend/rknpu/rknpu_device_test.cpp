// SPDX-License-Identifier: Apache-2.0
// The NPU as a Device, on the simulator: products against doubles over the decoded weights, and
// what becomes of a call when something goes wrong.
#include "backend/rknpu/rknpu_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "backend/cpu/cpu_device.h"
#include "backend/rknpu/numerics/int4_weights.h"
#include "backend/rknpu/simulator/simulated_npu.h"
#include "tests/backend/rknpu/device_fixture.h"
#include "tests/backend/rknpu/experts_case.h"
#include "tests/backend/rknpu/places.h"
#include "tests/backend/rknpu/watched_npu.h"
#include "tests/support/random_matrix.h"

namespace wattle::rknpu {
namespace {

using test::Matrix;
using test::random_rows;
using test::relative_error;
using test::Rows;

TEST_F(RknpuDeviceTest, ProductsAreThoseOfTheDecodedWeights) {
  test::RandomBlocks random(1);
  std::mt19937 shapes(2);
  for (size_t i = 0; i < 24; ++i) {
    const DTypeInfo& dtype = all_dtypes()[i % all_dtypes().size()];
    const size_t n_in = dtype.block_elems * (1 + 300 / dtype.block_elems + shapes() % 3) +
                        (dtype.block_elems == 1 ? shapes() % 40 : 0);
    const size_t n_out = 64 * 1024 / n_in + 1 + shapes() % 100;
    const size_t n_rows = 1 + shapes() % 140;
    const Matrix w(random, dtype.type, n_out, n_in);
    const Rows x = random_rows(random, n_rows, (n_in + 15) / 16 * 16);
    const MatView<const float> input(x.view.data, n_rows, n_in, x.view.n_cols);
    for (size_t a = 0; a < kArithmetics.size(); ++a) {
      const Arithmetic arithmetic = kArithmetics[a];
      const Form form = (i / 2 + a) % 2 == 0 ? Form::vendor : Form::rocket;  // by turns
      SCOPED_TRACE(std::string(dtype.name) + " " + std::string(name_of(arithmetic)) + " " +
                   std::to_string(n_rows) + " x " + std::to_string(n_in) + " x " +
                   std::to_string(n_out) + (form == Form::rocket ? " rocket" : ""));
      simulate(form);
      auto rknpu = device(all_in(arithmetic, 1));
      const auto linear = rknpu.prepare(w.view, {.max_rows = n_rows, .scale = 0.5f});
      const bool fits = arithmetic != Arithmetic::w4a8 || int4_type(dtype.type);
      ASSERT_EQ(rknpu.status().n_on_npu, fits ? 1U : 0U);
      if (!fits) continue;
      const Rows y(n_rows, n_out);
      const uint64_t before = npu->usage().n_submits;
      rknpu.linear(input, std::vector<LinearCall>{{linear.get(), y.view}});
      EXPECT_GT(npu->usage().n_submits, before);
      for (float& v : std::span(y.view.data, n_rows * n_out)) v *= 2;
      EXPECT_LE(relative_error(w, input, y.view), bound_of(arithmetic));
    }
  }
  EXPECT_TRUE(warnings.empty());
}

// Both round activations to the same int8 and add the same integers; what is left is the order of
// the sums of floats.
TEST_F(RknpuDeviceTest, W4a8EqualsTheProcessor) {
  test::RandomBlocks random(3);
  for (const DType dtype : {DType::q4_0, DType::q4_1, DType::q4_k}) {
    const Matrix w(random, dtype, 200, 512);
    const Rows x = random_rows(random, 150, 512);
    auto rknpu = device(all_in(Arithmetic::w4a8, 2));
    const auto linear = rknpu.prepare(w.view, {.max_rows = 150});
    const Rows on_npu(150, 200);
    const Rows on_cpu(150, 200);
    rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), on_npu.view}});
    const auto plain = cpu.prepare(w.view, {.max_rows = 150});
    cpu.linear(x.view, std::vector<LinearCall>{{plain.get(), on_cpu.view}});
    double error = 0;
    double size = 0;
    for (size_t i = 0; i < on_npu.data.size(); ++i) {
      error += std::pow(on_npu.data[i] - on_cpu.data[i], 2);
      size += std::pow(on_cpu.data[i], 2);
    }
    EXPECT_LE(std::sqrt(error / size), 1e-6) << dtype_info(dtype).name;
  }
}

// Rows and columns that need several rounds, cores and chunks.
TEST_F(RknpuDeviceTest, LargeProductsAreCutIntoRounds) {
  test::RandomBlocks random(4);
  const Matrix w(random, DType::q4_0, 9000, 256);
  const Rows x = random_rows(random, 700, 256);
  for (const auto& [arithmetic, form] : {std::pair(Arithmetic::w16a16, Form::vendor),
                                         {Arithmetic::w16a16, Form::rocket},
                                         {Arithmetic::w4a8, Form::vendor}}) {
    simulate(form);
    auto rknpu = device(all_in(arithmetic, 1));
    const auto linear = rknpu.prepare(w.view, {.max_rows = 700});
    const Rows y(700, 9000);
    const uint64_t before = npu->usage().n_submits;
    rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
    EXPECT_GE(npu->usage().n_submits - before, 2U);
    for (const size_t r :
         {size_t{0}, size_t{63}, size_t{64}, size_t{511}, size_t{512}, size_t{699}})
      EXPECT_LE(relative_error(w, x.view.rows({r, r + 1}), y.view.rows({r, r + 1})),
                bound_of(arithmetic));
  }
}

// One call of matrices on the NPU and on the processor.
TEST_F(RknpuDeviceTest, ACallMayMixPlaces) {
  test::RandomBlocks random(5);
  const Matrix large(random, DType::q4_0, 300, 512);
  const Matrix small(random, DType::q4_0, 20, 512);
  auto rknpu = device(large_in(Arithmetic::w16a16, 4));
  const auto a = rknpu.prepare(large.view, {.max_rows = 30});
  const auto b = rknpu.prepare(small.view, {.max_rows = 30});
  const auto c = rknpu.prepare(large.view, {.max_rows = 30, .scale = -1});
  EXPECT_EQ(rknpu.status().n_matrices, 3U);
  EXPECT_EQ(rknpu.status().n_on_npu, 2U);
  const Rows x = random_rows(random, 30, 512);
  const Rows ya(30, 300);
  const Rows yb(30, 20);
  const Rows yc(30, 300);
  rknpu.linear(x.view,
               std::vector<LinearCall>{{a.get(), ya.view}, {b.get(), yb.view}, {c.get(), yc.view}});
  EXPECT_LE(relative_error(large, x.view, ya.view), bound_of(Arithmetic::w16a16));
  EXPECT_LE(relative_error(small, x.view, yb.view), bound_of(Arithmetic::w4a8));
  for (size_t i = 0; i < ya.data.size(); ++i) EXPECT_EQ(yc.data[i], -ya.data[i]);

  const uint64_t before = npu->usage().n_submits;  // three rows: on the processor
  rknpu.linear(x.view.rows({0, 3}), std::vector<LinearCall>{{a.get(), ya.view.rows({0, 3})}});
  EXPECT_EQ(npu->usage().n_submits, before);
  EXPECT_LE(relative_error(large, x.view.rows({0, 3}), ya.view.rows({0, 3})),
            bound_of(Arithmetic::w4a8));
}

TEST_F(RknpuDeviceTest, WhatIsNotFiniteShows) {
  test::RandomBlocks random(6);
  const Matrix w(random, DType::q4_0, 300, 512);
  for (const Arithmetic arithmetic : kArithmetics) {
    auto rknpu = device(all_in(arithmetic, 1));
    const auto linear = rknpu.prepare(w.view, {.max_rows = 3});
    const Rows x = random_rows(random, 3, 512);
    x.view.row(1)[100] = std::numeric_limits<float>::infinity();
    const Rows y(3, 300);
    rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
    for (size_t n = 0; n < 300; ++n) {
      EXPECT_FALSE(std::isfinite(y.view.row(1)[n]));
      EXPECT_TRUE(std::isfinite(y.view.row(0)[n]) && std::isfinite(y.view.row(2)[n]));
    }
  }
}

TEST_F(RknpuDeviceTest, WeightsThatAreNotFiniteStayOnTheProcessor) {
  test::RandomBlocks random(7);
  const Matrix w(random, DType::q4_0, 300, 512);
  const uint16_t infinity = 0x7c00;
  std::memcpy(const_cast<std::byte*>(w.view.data) + 18 * 77, &infinity, sizeof infinity);
  for (const Arithmetic arithmetic : kArithmetics) {
    auto rknpu = device(all_in(arithmetic, 1));
    const auto linear = rknpu.prepare(w.view, {.max_rows = 3});
    EXPECT_EQ(rknpu.status().n_on_npu, 0U);
  }
}

// Experts with many rows, with few, with none, and with the same rows as others.
class RknpuExperts : public RknpuDeviceTest {
 protected:
  static constexpr size_t kExperts = 6;

  void multiply_and_check(RknpuDevice& rknpu, Arithmetic arithmetic) {
    const auto bank = experts.prepare(rknpu);
    const Rows y = experts.outputs();
    experts.multiply(rknpu, *bank, y);
    // Rows of small experts are the processor's, in int8.
    EXPECT_LE(experts.error(y), std::max(bound_of(arithmetic), 0.01));
  }

  test::RandomBlocks random{11};
  ExpertsCase experts{random, {20, 1, 0, 600, 3, 9}, 100, 256};
};

TEST_F(RknpuExperts, AreTheProductsOfTheirOwnMatrices) {
  for (size_t i = 0; i < 6; ++i) {
    const Arithmetic arithmetic =
        std::array{Arithmetic::w16a16, Arithmetic::w8a8, Arithmetic::w4a8}[i / 2];
    simulate(i % 2 == 0 ? Form::vendor : Form::rocket);
    auto rknpu = device(all_in(arithmetic, 32));
    const uint64_t before = npu->usage().n_submits;
    multiply_and_check(rknpu, arithmetic);
    EXPECT_EQ(rknpu.status().n_on_npu, 1U);
    EXPECT_GE(npu->usage().n_submits - before, kExperts + 2) << "probes, and 630 slots";
  }
  EXPECT_TRUE(warnings.empty());
}

TEST_F(RknpuExperts, AFaultIsMadeGood) {
  faults.at_submit = {{kExperts + 1, SimulatedFault::timeout}};  // in the second round
  auto rknpu = device(all_in(Arithmetic::w16a16, 32));
  multiply_and_check(rknpu, Arithmetic::w4a8);
  EXPECT_EQ(rknpu.status().n_faults, 1U);
}

// ---- both at work ----

// The processor, counting what it multiplies.
class CountingDevice final : public Device {
 public:
  explicit CountingDevice(Device& cpu) : cpu_(cpu) {}

  std::string_view name() const noexcept override { return cpu_.name(); }
  std::unique_ptr<Linear> prepare(const TensorView& w, const PrepareOptions& options) override {
    return cpu_.prepare(w, options);
  }
  std::unique_ptr<ExpertBank> prepare_experts(const TensorView& w,
                                              const PrepareOptions& options) override {
    return cpu_.prepare_experts(w, options);
  }
  void linear(MatView<const float> x, std::span<const LinearCall> calls) noexcept override {
    cpu_.linear(x, calls);
    ++n_calls;
  }
  void experts(MatView<const float> x, const ExpertSlots& slots,
               std::span<const ExpertCall> calls) noexcept override {
    cpu_.experts(x, slots, calls);
    ++n_calls;
  }

  std::atomic<int> n_calls = 0;

 private:
  Device& cpu_;
};

// A submit that does not end before the processor has multiplied something: were one to wait for
// the other, this would take for ever.
class RknpuOverlap : public RknpuExperts {
 protected:
  bool wait_for_the_processor() {
    for (int i = 0; counting.n_calls == 0 && i < 10000; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return counting.n_calls != 0;
  }

  CountingDevice counting{cpu};
  WatchedNpu hooked{*npu};
};

TEST_F(RknpuOverlap, MatricesOfTheProcessorAreMultipliedWhileTheNpuWorks) {
  RknpuDevice rknpu(context, counting, hooked, large_in(Arithmetic::w16a16, 4));
  const Matrix large(random, DType::q4_0, 300, 512);
  const Matrix small(random, DType::q4_0, 20, 512);
  const auto a = rknpu.prepare(large.view, {.max_rows = 30});
  const auto b = rknpu.prepare(small.view, {.max_rows = 30});
  const Rows x = random_rows(random, 30, 512);
  const Rows ya(30, 300);
  const Rows yb(30, 20);
  counting.n_calls = 0;
  bool was_at_work = false;
  hooked.before_submit = [&] { was_at_work = wait_for_the_processor(); };
  rknpu.linear(x.view, std::vector<LinearCall>{{a.get(), ya.view}, {b.get(), yb.view}});
  EXPECT_TRUE(was_at_work);
  EXPECT_LE(relative_error(large, x.view, ya.view), bound_of(Arithmetic::w16a16));
  EXPECT_LE(relative_error(small, x.view, yb.view), bound_of(Arithmetic::w4a8));
}

TEST_F(RknpuOverlap, SmallExpertsAreMultipliedWhileTheNpuWorks) {
  RknpuDevice rknpu(context, counting, hooked, all_in(Arithmetic::w16a16, 32));
  const auto bank = experts.prepare(rknpu);
  const Rows y = experts.outputs();
  counting.n_calls = 0;
  bool was_at_work = true;
  hooked.before_submit = [&] { was_at_work &= wait_for_the_processor(); };
  experts.multiply(rknpu, *bank, y);
  EXPECT_TRUE(was_at_work);
  EXPECT_LE(experts.error(y), 0.01);
}

TEST_F(RknpuOverlap, WhoIsFasterDoesNotChangeABit) {
  RknpuDevice rknpu(context, counting, hooked, all_in(Arithmetic::w16a16, 32));
  const auto bank = experts.prepare(rknpu);
  const Rows first = experts.outputs();
  experts.multiply(rknpu, *bank, first);
  std::mt19937 delays(5);
  hooked.before_submit = [&] {
    std::this_thread::sleep_for(std::chrono::microseconds(delays() % 3000));
  };
  for (int i = 0; i < 30; ++i) {
    const Rows y = experts.outputs();
    experts.multiply(rknpu, *bank, y);
    ASSERT_TRUE(std::ranges::equal(y.data.span(), first.data.span()));
  }
}

TEST_F(RknpuOverlap, WithoutMemoryForCommandsTheProcessorComputes) {
  RknpuDevice rknpu(context, cpu, hooked, all_in(Arithmetic::w16a16, 4));
  const auto bank = experts.prepare(rknpu);
  const Rows y = experts.outputs();
  hooked.before_submit = [] { throw std::bad_alloc(); };
  experts.multiply(rknpu, *bank, y);
  EXPECT_LE(experts.error(y), bound_of(Arithmetic::w4a8));
  EXPECT_THAT(warnings, testing::ElementsAre(testing::HasSubstr("no memory for its commands")));
  EXPECT_EQ(rknpu.status().n_faults, 0U);
  EXPECT_TRUE(rknpu.status().in_use);
}

// ---- faults ----

TEST_F(RknpuDeviceTest, AMatrixThatComesOutWrongStaysOnTheProcessor) {
  test::RandomBlocks random(8);
  const Matrix w(random, DType::q4_0, 300, 512);
  WatchedNpu garbling(*npu);
  garbling.after_from_device = [](std::span<std::byte> results) {  // as a wrong address does
    constexpr size_t kCellAt = 4 * 16 * 7;                         // four of 300 outputs
    if (kCellAt + 16 <= results.size()) std::memset(&results[kCellAt], 0, 16);
  };
  RknpuDevice rknpu(context, cpu, garbling, all_in(Arithmetic::w16a16, 1));
  const auto linear = rknpu.prepare(w.view, {.max_rows = 5});
  EXPECT_EQ(rknpu.status().n_on_npu, 0U);
  EXPECT_EQ(rknpu.status().n_missed, 1U);
  EXPECT_THAT(warnings,
              testing::ElementsAre(testing::HasSubstr("does not come out as on the CPU")));
  const Rows x = random_rows(random, 5, 512);
  const Rows y(5, 300);
  rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
  EXPECT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w4a8));
}

TEST_F(RknpuDeviceTest, WhereNothingCanBeAllocatedTheProcessorComputes) {
  test::RandomBlocks random(9);
  const Matrix w(random, DType::q4_0, 300, 512);
  for (const SimulatedFault fault :
       {SimulatedFault::out_of_memory, SimulatedFault::too_many_files}) {
    for (uint64_t n = 0; n < 1000; ++n) faults.at_allocate[n] = fault;
    auto rknpu = device(all_in(Arithmetic::w16a16, 1));
    const auto linear = rknpu.prepare(w.view, {.max_rows = 5});
    EXPECT_EQ(rknpu.status().n_on_npu, 0U);
    const Rows x = random_rows(random, 5, 512);
    const Rows y(5, 300);
    rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
    EXPECT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w4a8));
  }
}

TEST_F(RknpuDeviceTest, AMatrixWithoutRoomStaysOnTheProcessor) {
  test::RandomBlocks random(12);
  const Matrix w(random, DType::q4_0, 4096, 4096);  // 32 MiB in f16
  // 37 MiB are what the cores work with.
  simulate(Form::vendor, size_t{60} << 20);
  auto rknpu = device(all_in(Arithmetic::w16a16, 1));
  const auto linear = rknpu.prepare(w.view, {.max_rows = 5});
  EXPECT_EQ(rknpu.status().n_bytes, 0U);
  const Rows x = random_rows(random, 5, 4096);
  const Rows y(5, 4096);
  rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
  EXPECT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w4a8));
}

// W4A8 is for few rows, so a place may have a range of them.
TEST_F(RknpuDeviceTest, AProductOfMoreRowsThanItsPlaceTakesIsTheProcessors) {
  test::RandomBlocks random(14);
  const Matrix w(random, DType::q4_0, 300, 512);
  auto rknpu =
      device({.place = [](const TensorView&) { return MatrixPlace{Arithmetic::w4a8, {2, 8}}; }});
  const auto linear = rknpu.prepare(w.view, {.max_rows = 20});
  const Rows x = random_rows(random, 20, 512);
  const Rows y(20, 300);
  const auto n_submits_of = [&](size_t n_rows) {
    const uint64_t before = npu->usage().n_submits;
    rknpu.linear(x.view.rows({0, n_rows}),
                 std::vector<LinearCall>{{linear.get(), y.view.rows({0, n_rows})}});
    return npu->usage().n_submits - before;
  };
  EXPECT_EQ(n_submits_of(1), 0U);
  EXPECT_EQ(n_submits_of(2), 1U);
  EXPECT_EQ(n_submits_of(7), 1U);
  EXPECT_EQ(n_submits_of(8), 0U);
}

// The cores' own buffers are not held where no weights fit beside them.
TEST_F(RknpuDeviceTest, ASetThatTookNoMatrixHoldsNoMemory) {
  test::RandomBlocks random(15);
  const Matrix w(random, DType::q4_0, 300, 512);
  const size_t all = npu->free_bytes(0);
  faults.at_allocate = {{14, SimulatedFault::out_of_memory}};  // the weights'; 12 and 2 before
  auto rknpu = device(all_in(Arithmetic::w16a16, 1));
  linears.push_back(rknpu.prepare(w.view, {.max_rows = 5}));
  EXPECT_EQ(rknpu.status().n_on_npu, 0U);
  EXPECT_EQ(npu->free_bytes(0), all);
  linears.push_back(rknpu.prepare(w.view, {.max_rows = 5}));
  EXPECT_EQ(rknpu.status().n_on_npu, 1U);
}

// Of rows that are wider than those before there is no room for.
TEST_F(RknpuDeviceTest, AMatrixWhoseRowsHaveNoRoomLeavesTheOthersTheirs) {
  test::RandomBlocks random(16);
  const Matrix w(random, DType::q4_0, 300, 512);
  const Matrix wide(random, DType::q4_0, 64, 8192);  // 17 MB for 512 rows, twice
  simulate(Form::vendor, size_t{40} << 20);
  auto rknpu = device(all_in(Arithmetic::w16a16, 1));
  linears.push_back(rknpu.prepare(w.view, {.max_rows = 5}));
  ASSERT_EQ(rknpu.status().n_on_npu, 1U);
  linears.push_back(rknpu.prepare(wide.view, {.max_rows = 512}));
  EXPECT_EQ(rknpu.status().n_on_npu, 1U);
  linears.push_back(rknpu.prepare(w.view, {.max_rows = 5}));
  EXPECT_EQ(rknpu.status().n_on_npu, 2U) << "nor is it in the way of what follows";
  const Rows x = random_rows(random, 5, 512);
  const Rows y(5, 300);
  for (const size_t i : {size_t{0}, size_t{2}}) {
    rknpu.linear(x.view, std::vector<LinearCall>{{linears[i].get(), y.view}});
    EXPECT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w16a16));
  }
  EXPECT_TRUE(warnings.empty());
}

// What is left of a buffer of weights is used, also where the device has no room for another.
TEST_F(RknpuDeviceTest, MemoryIsUsedToItsEnd) {
  test::RandomBlocks random(13);
  const Matrix w(random, DType::q8_0, 1024, 1024);  // 2 MiB in f16
  simulate(Form::vendor, size_t{60} << 20);
  auto rknpu = device(all_in(Arithmetic::w16a16, 1));
  for (int i = 0; i < 20; ++i) linears.push_back(rknpu.prepare(w.view, {.max_rows = 5}));
  EXPECT_GE(rknpu.status().n_on_npu, 10U) << "of 60 MiB the cores' buffers take 37";
  EXPECT_LT(rknpu.status().n_on_npu, 20U);
}

}  // namespace
}  // namespace wattle::rknpu
