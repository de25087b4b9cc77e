// SPDX-License-Identifier: Apache-2.0
// What becomes of products when the NPU fails: the processor computes them, and nothing is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/backend/rknpu/device_fixture.h"
#include "tests/support/random_matrix.h"

namespace wattle::rknpu {
namespace {

using test::Matrix;
using test::random_rows;
using test::relative_error;
using test::Rows;

// A matrix on the NPU, and products that must come out right whatever it does.
class RknpuFaults : public RknpuDeviceTest {
 protected:
  void multiply() {
    const Rows y(40, 300);
    rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
    ASSERT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w4a8));
  }

  test::RandomBlocks random{10};
  Matrix w{random, DType::q4_0, 300, 512};
  Matrix large{random, DType::q4_0, 20000, 512};  // 20 MB in f16: a buffer of its own
  Rows x = random_rows(random, 40, 512);
  RknpuDevice rknpu = device(all_in(Arithmetic::w16a16, 32));
  std::unique_ptr<Linear> linear = rknpu.prepare(w.view, {.max_rows = 40});
  uint64_t n_probes = faults.n_submits;
};

TEST_F(RknpuFaults, AreMadeGoodByTheProcessorAndAReset) {
  faults.at_submit = {{n_probes, SimulatedFault::timeout}};
  multiply();
  EXPECT_THAT(warnings, testing::ElementsAre(testing::HasSubstr("the CPU computes this step"),
                                             testing::HasSubstr("reset")));
  const uint64_t n_done = npu->usage().n_submits;
  multiply();
  EXPECT_EQ(npu->usage().n_submits, n_done + 1) << "the NPU is used again";
  EXPECT_EQ(rknpu.status().n_faults, 1U);
  EXPECT_TRUE(rknpu.status().in_use);
}

// A matrix that met one stays on the processor, and its memory is the next one's.
TEST_F(RknpuFaults, WhilePreparingLoseNoMemory) {
  const auto prepare = [&] { linears.push_back(rknpu.prepare(large.view, {.max_rows = 40})); };
  const size_t left = npu->free_bytes(0);
  faults.at_submit = {{n_probes, SimulatedFault::timeout}};
  prepare();
  EXPECT_EQ(rknpu.status().n_on_npu, 1U);
  EXPECT_EQ(npu->free_bytes(0), left);
  prepare();
  EXPECT_EQ(rknpu.status().n_on_npu, 2U);
  EXPECT_EQ(npu->free_bytes(0), left - size_t{20000} * 512 * 2) << "and no more than it is large";
}

TEST_F(RknpuFaults, OneRightAfterAResetIsTheLast) {
  faults.at_submit = {{n_probes, SimulatedFault::timeout}, {n_probes + 1, SimulatedFault::timeout}};
  multiply();
  multiply();
  EXPECT_FALSE(rknpu.status().in_use);
  EXPECT_THAT(warnings.back(), testing::HasSubstr("the CPU computes all that follows"));
  multiply();
  EXPECT_EQ(faults.n_submits, n_probes + 2);
}

TEST_F(RknpuFaults, ADeviceThatIsGoneIsLeftAlone) {
  faults.at_submit = {{n_probes, SimulatedFault::lost}};
  multiply();
  multiply();
  EXPECT_FALSE(rknpu.status().in_use);
  EXPECT_EQ(faults.n_submits, n_probes + 1);
}

TEST_F(RknpuFaults, AThousandLoseNothing) {
  for (uint64_t n = n_probes; n < n_probes + 2000; n += 2)
    faults.at_submit[n] = SimulatedFault::timeout;  // every other one
  const Rows y(40, 300);
  const Rows first(40, 300);
  for (int i = 0; i < 2000; ++i) {
    std::fill_n(y.view.data, y.data.size(), 12345.0f);
    rknpu.linear(x.view, std::vector<LinearCall>{{linear.get(), y.view}});
    const bool on_cpu = i % 2 == 0;
    if (i < 2) {
      ASSERT_LE(relative_error(w, x.view, y.view), bound_of(Arithmetic::w4a8));
      if (on_cpu) std::ranges::copy(y.data.span(), first.view.data);
    } else if (on_cpu) {
      ASSERT_TRUE(std::ranges::equal(y.data.span(), first.data.span()));
    }
  }
  EXPECT_EQ(rknpu.status().n_faults, 1000U);
  EXPECT_TRUE(rknpu.status().in_use);
}

}  // namespace
}  // namespace wattle::rknpu
