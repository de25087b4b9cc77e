// SPDX-License-Identifier: Apache-2.0
// Matrices on the mainline driver: domains that are descriptors with one list each, lists that may
// not take long, and hangs that nobody tells. On the simulator, and through the driver on a kernel
// that tests make.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "backend/rknpu/driver/rocket_npu.h"
#include "backend/rknpu/rknpu_device.h"
#include "tests/backend/rknpu/device_fixture.h"
#include "tests/backend/rknpu/fake_kernel.h"
#include "tests/backend/rknpu/places.h"
#include "tests/backend/rknpu/watched_npu.h"
#include "tests/support/random_matrix.h"

namespace wattle::rknpu {
namespace {

using testing::HasSubstr;
using wattle::test::Matrix;
using wattle::test::random_rows;
using wattle::test::relative_error;
using wattle::test::Rows;

class RknpuRocket : public RknpuDeviceTest {
 protected:
  RknpuRocket() { simulate(Form::rocket); }

  wattle::test::RandomBlocks random{21};
  Matrix w{random, DType::q4_0, 300, 512};
  Rows x = random_rows(random, 40, 512);
};

TEST_F(RknpuRocket, AListHasNoMoreTasksThanThereIsRoomForTheirCommands) {
  const Matrix coarse(random, DType::q8_0, 64, 65536);
  const Matrix fine(random, DType::q4_0, 64, 65536);
  RknpuDevice rknpu(context, cpu, *npu, {.place = [](const TensorView& of) {
                      return MatrixPlace{
                          of.dtype == DType::q8_0 ? Arithmetic::w8a8 : Arithmetic::w4a8,
                          {1, SIZE_MAX}};
                    }});
  const auto a = rknpu.prepare(coarse.view, {.max_rows = 1});
  const auto b = rknpu.prepare(fine.view, {.max_rows = 1});
  ASSERT_EQ(rknpu.status().n_on_npu, 2U);
  const Rows wide = random_rows(random, 1, 65536);
  const Rows ya(1, 64);
  const Rows yb(1, 64);
  rknpu.linear(wide.view, std::vector<LinearCall>{{a.get(), ya.view}, {b.get(), yb.view}});
  EXPECT_LE(relative_error(coarse, wide.view, ya.view), 0.05);
  EXPECT_LE(relative_error(fine, wide.view, yb.view), bound_of(Arithmetic::w4a8));
  EXPECT_EQ(rknpu.status().n_faults, 0U);
}

TEST_F(RknpuRocket, AMatrixIsSpreadOverTheDomainsOfASubmit) {
  RknpuDevice rknpu(context, cpu, *npu, all_in(Arithmetic::w4a8, 1));
  const size_t before = npu->free_bytes(3);
  const auto linear = rknpu.prepare(w.view, {.max_rows = 40});
  ASSERT_EQ(rknpu.status().n_on_npu, 1U);
  for (uint32_t domain = 0; domain < 3; ++domain) EXPECT_LT(npu->free_bytes(domain), before);
  // Three lists at a time, which a list a domain allows in three domains only.
  const NpuUsage probed = npu->usage();
  const Rows y(40, 300);
  rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
  EXPECT_EQ(npu->usage().n_submits, probed.n_submits + 1);
  EXPECT_GE(npu->usage().n_tasks, probed.n_tasks + 3 * 512 / 32);
}

TEST_F(RknpuRocket, WhatTakesTooLongForAListIsCut) {
  const Matrix large(random, DType::q8_0, 4096, 512);  // 1.4 MB a list in f16
  const Rows y(40, 4096);
  const auto n_submits = [&](int limit_ms) {
    NpuInfo info = npu->info();
    info.list_limit = std::chrono::milliseconds(limit_ms);
    WatchedNpu hurried(*npu, std::move(info));
    RknpuDevice rknpu(context, cpu, hurried, all_in(Arithmetic::w16a16, 1));
    const auto linear = rknpu.prepare(large.view, {.max_rows = 40});
    const uint64_t before = npu->usage().n_submits;
    rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
    EXPECT_LE(relative_error(large, x.view, y.view), bound_of(Arithmetic::w16a16));
    return npu->usage().n_submits - before;
  };
  EXPECT_EQ(n_submits(500), 1U);
  EXPECT_EQ(n_submits(1), 2U);
}

TEST_F(RknpuRocket, ResultsThatWereNotWrittenAreAFault) {
  for (const Arithmetic arithmetic : kArithmetics) {
    SCOPED_TRACE(name_of(arithmetic));
    RknpuDevice rknpu(context, cpu, *npu, all_in(arithmetic, 1));
    const auto linear = rknpu.prepare(w.view, {.max_rows = 40});
    ASSERT_EQ(rknpu.status().n_on_npu, 1U);
    const auto multiply = [&] {
      const Rows y(40, 300);
      rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
      return relative_error(w, x.view, y.view);
    };
    warnings.clear();
    multiply();  // leaves results in the buffers
    faults.at_submit[faults.n_submits] = SimulatedFault::timeout;
    EXPECT_LE(multiply(), bound_of(Arithmetic::w4a8)) << "the processor's";
    EXPECT_EQ(rknpu.status().n_faults, 1U);
    EXPECT_THAT(warnings, testing::ElementsAre(HasSubstr("were not written"), HasSubstr("reset")));
    const uint64_t before = npu->usage().n_submits;
    multiply();
    EXPECT_EQ(npu->usage().n_submits, before + 1) << "the NPU is used again";
    EXPECT_EQ(rknpu.status().n_faults, 1U);
  }
}

TEST_F(RknpuRocket, ThroughTheDriver) {
  const auto kernel = std::make_shared<test::FakeRocketKernel>();
  {
    const auto board = open_rocket_npu(kernel);
    RknpuDevice rknpu(context, cpu, *board, all_in(Arithmetic::w16a16, 1));
    const auto linear = rknpu.prepare(w.view, {.max_rows = 40});
    ASSERT_EQ(rknpu.status().n_on_npu, 1U);
    const Rows y(40, 300);
    const std::vector<LinearCall> call{{linear.get(), y.view}};
    kernel->job_windows.clear();
    rknpu.linear(x.view, call);
    EXPECT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w16a16));
    const std::set<uint32_t> windows(kernel->job_windows.begin(), kernel->job_windows.end());
    EXPECT_EQ(windows.size(), 3U);

    kernel->hangs = true;
    rknpu.linear(x.view, call);
    EXPECT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w4a8));
    EXPECT_THAT(warnings, testing::ElementsAre(HasSubstr("were not written"), HasSubstr("reset")));
    kernel->hangs = false;
    rknpu.linear(x.view, call);
    EXPECT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w16a16));
    EXPECT_EQ(rknpu.status().n_faults, 1U);
  }
  EXPECT_TRUE(kernel->is_clean());
}

// A driver whose jobs never run is found out by the first probe.
TEST_F(RknpuRocket, ProbesFindAnNpuThatDoesNothing) {
  const auto kernel = std::make_shared<test::FakeRocketKernel>();
  kernel->hangs = true;
  const auto board = open_rocket_npu(kernel);
  RknpuDevice rknpu(context, cpu, *board, all_in(Arithmetic::w16a16, 1));
  const auto first = rknpu.prepare(w.view, {.max_rows = 40});
  const auto second = rknpu.prepare(w.view, {.max_rows = 40});
  EXPECT_EQ(rknpu.status().n_on_npu, 0U);
  EXPECT_FALSE(rknpu.status().in_use);
  const Rows y(40, 300);
  rknpu.linear(x.view, std::vector<LinearCall>{{second.get(), y.view}});
  EXPECT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w4a8));
}

}  // namespace
}  // namespace wattle::rknpu
