// SPDX-License-Identifier: Apache-2.0
// Weights that pass through the NPU instead of staying there: the same bits come out, in memory
// that does not grow, and whatever goes wrong is made good.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "backend/rknpu/numerics/int4_weights.h"
#include "backend/rknpu/rknpu_device.h"
#include "backend/rknpu/streamed_matrix.h"
#include "backend/rknpu/weight_ring.h"
#include "tests/backend/rknpu/device_fixture.h"
#include "tests/backend/rknpu/experts_case.h"
#include "tests/backend/rknpu/watched_npu.h"
#include "tests/support/random_matrix.h"

namespace wattle::rknpu {
namespace {

using test::Matrix;
using test::random_rows;
using test::relative_error;
using test::Rows;

class Streaming : public RknpuDeviceTest {
 protected:
  Streaming() { simulate(Form::vendor); }
  // Its devices must be gone.
  void simulate(Form form, size_t memory_bytes = SimulatorOptions().memory_bytes) {
    RknpuDeviceTest::simulate(form, memory_bytes);
    watched = std::make_unique<WatchedNpu>(*npu);
  }
  RknpuDevice device(Arithmetic arithmetic, size_t min_rows, Holding holding) {
    return {context, cpu, *watched, all_in(arithmetic, min_rows, holding)};
  }

  std::unique_ptr<WatchedNpu> watched;
  test::RandomBlocks random{1};
};

bool same(const Rows& a, const Rows& b) { return std::ranges::equal(a.data.span(), b.data.span()); }

TEST_F(Streaming, SlicesCoverAMatrixAndFitASlot) {
  for (const Form form : {Form::vendor, Form::rocket}) {
    simulate(form);
    const NpuInfo& info = npu->info();
    for (const Arithmetic arithmetic : {Arithmetic::w16a16, Arithmetic::w8a8, Arithmetic::w4a8}) {
      for (const auto& [n_out, n_in] : {std::pair<uint64_t, uint64_t>{1, 32},
                                        {1408, 2816},
                                        {2816, 704},
                                        {262144, 2816},
                                        {2816, 8192},
                                        {100, 65536}}) {
        const TensorView w{.name = "w", .dtype = DType::q4_0, .n_dims = 2, .shape = {n_out, n_in}};
        const StreamedMatrix streamed(w, 1, arithmetic, info);
        size_t n_slices = 0;
        size_t largest = 0;
        for (size_t begin = 0; begin < n_out;) {
          const RowRange outputs = streamed.slice(begin);
          ASSERT_EQ(outputs.begin, begin);
          ASSERT_GT(outputs.end, begin);
          for (const size_t bytes : streamed.bytes_needed(outputs, info)) {
            ASSERT_LE(bytes, slice_bytes(info));
            largest = std::max(largest, bytes);
          }
          begin = outputs.end;
          ++n_slices;
        }
        // Not cut more finely than a slot asks for, but for what makes slices and lists even.
        EXPECT_TRUE(n_slices <= 2 || largest > slice_bytes(info) * 6 / 10) << n_out << " " << n_in;
      }
    }
  }
  simulate(Form::vendor);
  const TensorView expert{.name = "w", .dtype = DType::q4_0, .n_dims = 2, .shape = {1408, 2816}};
  const StreamedMatrix streamed(expert, 1, Arithmetic::w16a16, npu->info());
  EXPECT_EQ(streamed.slice(0).end, 1408U) << "an expert of Gemma 4 26B-A4B is one";
}

TEST_F(Streaming, SlicesFitASlotHoweverListsLieInDomains) {
  NpuInfo info = npu->info();  // two lists, both of them in one of two domains
  info.n_cores = info.lists_per_domain = info.domains_per_submit = 2;
  const TensorView w{.name = "w", .dtype = DType::q4_0, .n_dims = 2, .shape = {5000, 2816}};
  const StreamedMatrix streamed(w, 1, Arithmetic::w16a16, info);
  const auto bytes = streamed.bytes_needed(streamed.slice(0), info);
  EXPECT_LE(bytes[0], slice_bytes(info));
  EXPECT_GT(bytes[0], slice_bytes(info) / 2);
  EXPECT_EQ(bytes[1], 0U);
}

TEST_F(Streaming, GivesTheBitsOfResidentWeights) {
  std::mt19937 shapes(2);
  struct Case {
    size_t n_out, n_in, n_rows;
  };
  std::vector<Case> cases{{5000, 1056, 33}, {700, 8448, 5}, {20000, 256, 200}};
  for (int i = 0; i < 9; ++i)
    cases.push_back({1 + shapes() % 300, 256 * (1 + shapes() % 3), 1 + shapes() % 60});
  size_t i = 0;
  for (const Case& c : cases) {
    for (const Arithmetic arithmetic : {Arithmetic::w16a16, Arithmetic::w8a8, Arithmetic::w4a8}) {
      const DTypeInfo& dtype = all_dtypes()[i % all_dtypes().size()];
      const Form form = i++ % 2 == 0 ? Form::vendor : Form::rocket;
      const size_t n_in = c.n_in / 256 * 256;
      const size_t n_out =
          arithmetic == Arithmetic::w4a8 ? std::min<size_t>(c.n_out, 300) : c.n_out;
      if (arithmetic == Arithmetic::w4a8 && !int4_type(dtype.type)) continue;
      SCOPED_TRACE(std::string(dtype.name) + " " + std::string(name_of(arithmetic)) + " " +
                   std::to_string(n_out) + " x " + std::to_string(n_in) +
                   (form == Form::rocket ? " rocket" : ""));
      const Matrix w(random, dtype.type, n_out, n_in);
      const Rows x = random_rows(random, c.n_rows, n_in);
      std::array<std::unique_ptr<Rows>, 2> y;
      for (const Holding holding : {Holding::resident, Holding::streamed}) {
        simulate(form);
        auto rknpu = device(arithmetic, 1, holding);
        const auto linear = rknpu.prepare(w.view, {.max_rows = c.n_rows, .scale = 0.5f});
        ASSERT_EQ(rknpu.status().n_on_npu, 1U);
        ASSERT_EQ(rknpu.status().n_streamed, holding == Holding::streamed ? 1U : 0U);
        Rows& out = *(y[static_cast<size_t>(holding)] = std::make_unique<Rows>(c.n_rows, n_out));
        rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), out.view}});
      }
      EXPECT_TRUE(same(*y[0], *y[1]));
    }
  }
  EXPECT_TRUE(warnings.empty());
}

// Three slices of one slot each, then a small matrix behind another one in a slot.
TEST_F(Streaming, ACallMayMixWhatStaysWhatIsStreamedAndTheProcessor) {
  const Matrix large(random, DType::q4_0, 6000, 1024);  // 12 MB
  const Matrix middle(random, DType::q8_0, 300, 1024);
  const Matrix small(random, DType::q4_0, 20, 1024);
  RknpuOptions options{.place = [](const TensorView& w) -> std::optional<MatrixPlace> {
    if (w.shape[0] == 20) return std::nullopt;
    const bool stays = w.shape[0] == 300 && w.dtype == DType::q8_0;
    return MatrixPlace{
        Arithmetic::w16a16, {4, SIZE_MAX}, stays ? Holding::resident : Holding::streamed};
  }};
  RknpuDevice rknpu(context, cpu, *watched, std::move(options));
  const auto a = rknpu.prepare(large.view, {.max_rows = 30});
  const auto b = rknpu.prepare(small.view, {.max_rows = 30});
  const auto c = rknpu.prepare(middle.view, {.max_rows = 30});
  const auto d = rknpu.prepare(large.view, {.max_rows = 30, .scale = -1});
  EXPECT_EQ(rknpu.status().n_on_npu, 3U);
  EXPECT_EQ(rknpu.status().n_streamed, 2U);
  const Rows x = random_rows(random, 30, 1024);
  const Rows ya(30, 6000);
  const Rows yb(30, 20);
  const Rows yc(30, 300);
  const Rows yd(30, 6000);
  rknpu.linear(x.view,
               std::vector<LinearCall>{
                   {a.get(), ya.view}, {b.get(), yb.view}, {c.get(), yc.view}, {d.get(), yd.view}});
  EXPECT_LE(relative_error(large, x.view, ya.view), bound_of(Arithmetic::w16a16));
  EXPECT_LE(relative_error(small, x.view, yb.view), bound_of(Arithmetic::w4a8));
  EXPECT_LE(relative_error(middle, x.view, yc.view), bound_of(Arithmetic::w16a16));
  for (size_t i = 0; i < ya.data.size(); ++i) ASSERT_EQ(yd.data[i], -ya.data[i]);

  const uint64_t before = faults.n_submits;  // three rows: on the processor
  rknpu.linear(x.view.rows({0, 3}), std::vector<LinearCall>{{a.get(), ya.view.rows({0, 3})}});
  EXPECT_EQ(faults.n_submits, before);
}

TEST_F(Streaming, TakesNoMoreMemoryForMoreMatrices) {
  const size_t all = npu->free_bytes(0);
  auto rknpu = device(Arithmetic::w16a16, 1, Holding::streamed);
  const Matrix w(random, DType::q4_0, 6000, 1024);
  linears.push_back(rknpu.prepare(w.view, {.max_rows = 5}));
  const size_t left = npu->free_bytes(0);
  for (int i = 0; i < 3; ++i) linears.push_back(rknpu.prepare(w.view, {.max_rows = 5}));
  EXPECT_EQ(rknpu.status().n_on_npu, 4U);
  EXPECT_EQ(rknpu.status().n_bytes, 0U);
  EXPECT_EQ(npu->free_bytes(0), left);
  EXPECT_GE(all - left, WeightRing::bytes(npu->info()));
}

TEST_F(Streaming, WithoutRoomForTheRingTheProcessorComputes) {
  simulate(Form::vendor, size_t{45} << 20);  // 37 MiB are what the cores work with
  auto rknpu = device(Arithmetic::w16a16, 1, Holding::streamed);
  const Matrix w(random, DType::q4_0, 300, 512);
  const auto linear = rknpu.prepare(w.view, {.max_rows = 5});
  EXPECT_EQ(rknpu.status().n_on_npu, 0U);
  EXPECT_EQ(notes.back(), "npu: w stays on the CPU");
  EXPECT_EQ(npu->free_bytes(0), size_t{45} << 20);
  const Rows x = random_rows(random, 5, 512);
  const Rows y(5, 300);
  rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
  EXPECT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w4a8));
}

// Where a domain is full of weights that stay, the ring lies in the next one.
TEST_F(Streaming, AMatrixWithoutRoomForTheRingInOneDomainIsStreamedInTheNext) {
  const Matrix a(random, DType::q8_0, 300, 512);
  const Matrix b(random, DType::q4_0, 300, 512);
  faults.at_allocate = {{15, SimulatedFault::out_of_memory}};  // the ring's; 12, 2 and 1 before
  RknpuOptions options{.place = [](const TensorView& w) {
    return MatrixPlace{Arithmetic::w16a16,
                       {1, SIZE_MAX},
                       w.dtype == DType::q8_0 ? Holding::resident : Holding::streamed};
  }};
  RknpuDevice rknpu(context, cpu, *watched, std::move(options));
  linears.push_back(rknpu.prepare(a.view, {.max_rows = 5}));
  linears.push_back(rknpu.prepare(b.view, {.max_rows = 5}));
  EXPECT_EQ(rknpu.status().n_on_npu, 2U);
  EXPECT_THAT(notes, testing::ElementsAre("npu: w in w16a16, in domain 0",
                                          testing::HasSubstr("npu: w has no place in domain 0: "),
                                          "npu: w in w16a16, streamed into domain 1"));
  const Rows x = random_rows(random, 5, 512);
  const Rows ya(5, 300);
  const Rows yb(5, 300);
  rknpu.linear(x.view,
               std::vector<LinearCall>{{linears[0].get(), ya.view}, {linears[1].get(), yb.view}});
  EXPECT_LE(relative_error(a, x.view, ya.view), bound_of(Arithmetic::w16a16));
  EXPECT_LE(relative_error(b, x.view, yb.view), bound_of(Arithmetic::w16a16));
}

TEST_F(Streaming, WeightsThatAreNotFiniteStayOnTheProcessor) {
  const Matrix w(random, DType::q4_0, 300, 512);
  const uint16_t infinity = 0x7c00;
  std::memcpy(const_cast<std::byte*>(w.view.data) + 18 * 77, &infinity, sizeof infinity);
  for (const Arithmetic arithmetic : {Arithmetic::w16a16, Arithmetic::w8a8, Arithmetic::w4a8}) {
    auto rknpu = device(arithmetic, 1, Holding::streamed);
    const auto linear = rknpu.prepare(w.view, {.max_rows = 3});
    EXPECT_EQ(rknpu.status().n_on_npu, 0U);
    EXPECT_TRUE(rknpu.status().in_use);
  }
}

TEST_F(Streaming, AMatrixThatComesOutWrongStaysOnTheProcessor) {
  const Matrix w(random, DType::q4_0, 6000, 1024);  // two slices
  uint32_t n_read = 0;
  watched->after_from_device = [&](std::span<std::byte> results) {  // as a wrong address does
    if (++n_read > npu->info().n_cores) std::memset(results.data(), 0, results.size() / 8);
  };
  auto rknpu = device(Arithmetic::w16a16, 1, Holding::streamed);
  const auto linear = rknpu.prepare(w.view, {.max_rows = 3});
  EXPECT_GE(faults.n_submits, 2U);
  EXPECT_EQ(rknpu.status().n_on_npu, 0U);
  EXPECT_EQ(rknpu.status().n_missed, 1U);
  EXPECT_THAT(warnings,
              testing::ElementsAre(testing::HasSubstr("does not come out as on the CPU")));
}

// ---- both at work ----

TEST_F(Streaming, WeightsArePackedWhileTheNpuMultiplies) {
  const Matrix w(random, DType::q4_0, 12000, 1024);
  auto rknpu = device(Arithmetic::w16a16, 1, Holding::streamed);
  const auto linear = rknpu.prepare(w.view, {.max_rows = 3});
  const Rows x = random_rows(random, 3, 1024);
  const Rows y(3, 12000);
  std::atomic<int> n_weights = 0;  // slices that were handed to the device
  watched->after_to_device = [&](const NpuBuffer& synced) {
    if (synced.bytes().size() == slice_bytes(npu->info())) ++n_weights;
  };
  int n_rounds = 0;
  bool was_packed = true;
  // A submit that does not end before the next slice is there: were packing to wait for it, this
  // would take for ever.
  watched->before_submit = [&] {
    ++n_rounds;
    for (int i = 0; n_weights <= n_rounds && n_rounds < 3 && i < 10000; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    was_packed &= n_rounds >= 3 || n_weights > n_rounds;
  };
  rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
  EXPECT_EQ(n_rounds, 3);
  EXPECT_TRUE(was_packed);
  EXPECT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w16a16));
}

// Of the experts one has many rows, one more than a piece, one a single one and one none. Of their
// matrices, 3.4 MB in f16, two fit a slot.
class StreamedExperts : public Streaming {
 protected:
  Rows by_cpu() {
    const auto bank = experts.prepare(cpu);
    Rows y = experts.outputs();
    experts.multiply(cpu, *bank, y);
    return y;
  }

  ExpertsCase experts{random, {20, 1, 0, 520, 3, 9, 8, 11}, 1100, 1536};
};

TEST_F(StreamedExperts, GiveTheBitsOfResidentOnes) {
  for (const Form form : {Form::vendor, Form::rocket}) {
    std::array<std::unique_ptr<Rows>, 2> y;
    for (const Holding holding : {Holding::resident, Holding::streamed}) {
      simulate(form);
      auto rknpu = device(Arithmetic::w16a16, 32, holding);
      const auto bank = experts.prepare(rknpu);
      EXPECT_EQ(rknpu.status().n_on_npu, 1U);
      y[static_cast<size_t>(holding)] = std::make_unique<Rows>(experts.outputs());
      experts.multiply(rknpu, *bank, *y[static_cast<size_t>(holding)]);
    }
    EXPECT_TRUE(same(*y[0], *y[1]));
  }
}

TEST_F(StreamedExperts, WhoIsFasterDoesNotChangeABit) {
  auto rknpu = device(Arithmetic::w16a16, 32, Holding::streamed);
  const auto bank = experts.prepare(rknpu);
  const Rows first = experts.outputs();
  experts.multiply(rknpu, *bank, first);
  std::mt19937 delays(5);
  watched->before_submit = [&] {
    std::this_thread::sleep_for(std::chrono::microseconds(delays() % 20000));
  };
  for (int i = 0; i < 10; ++i) {
    const Rows y = experts.outputs();
    experts.multiply(rknpu, *bank, y);
    ASSERT_TRUE(same(y, first));
  }
}

TEST_F(StreamedExperts, AFaultAnywhereIsMadeGood) {
  auto rknpu = device(Arithmetic::w16a16, 32, Holding::streamed);
  const auto bank = experts.prepare(rknpu);
  const uint64_t n_probes = faults.n_submits;
  const Rows by_npu = experts.outputs();
  experts.multiply(rknpu, *bank, by_npu);
  const uint64_t n_rounds = faults.n_submits - n_probes;
  ASSERT_GE(n_rounds, 4U);
  const Rows on_cpu = by_cpu();
  const std::array rounds{uint64_t{0}, n_rounds / 2, n_rounds - 1};
  for (const uint64_t round : rounds) {
    faults.at_submit = {{faults.n_submits + round, SimulatedFault::timeout}};
    const Rows y = experts.outputs();
    experts.multiply(rknpu, *bank, y);
    ASSERT_TRUE(same(y, on_cpu)) << "all of the call, after a fault in round " << round;
    faults.at_submit.clear();
    experts.multiply(rknpu, *bank, y);
    ASSERT_TRUE(same(y, by_npu)) << "after a reset";
  }
  EXPECT_EQ(rknpu.status().n_faults, rounds.size());
  EXPECT_TRUE(rknpu.status().in_use);

  faults.at_submit = {{faults.n_submits + 1, SimulatedFault::lost}};
  const Rows y = experts.outputs();
  experts.multiply(rknpu, *bank, y);
  EXPECT_TRUE(same(y, on_cpu));
  EXPECT_FALSE(rknpu.status().in_use);
}

TEST_F(StreamedExperts, AHangOfRocketIsSeenByWhatWasNotWritten) {
  simulate(Form::rocket);
  auto rknpu = device(Arithmetic::w16a16, 32, Holding::streamed);
  const auto bank = experts.prepare(rknpu);
  const Rows by_npu = experts.outputs();
  experts.multiply(rknpu, *bank, by_npu);
  faults.at_submit = {{faults.n_submits + 2, SimulatedFault::timeout}};
  const Rows y = experts.outputs();
  experts.multiply(rknpu, *bank, y);
  EXPECT_EQ(rknpu.status().n_faults, 1U);
  EXPECT_TRUE(same(y, by_cpu()));
  experts.multiply(rknpu, *bank, y);
  EXPECT_TRUE(same(y, by_npu));
}

}  // namespace
}  // namespace wattle::rknpu
