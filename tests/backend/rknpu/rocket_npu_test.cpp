// SPDX-License-Identifier: Apache-2.0
// The driver of Linux's own kernel driver, on a kernel that takes its requests apart.
#include "backend/rknpu/driver/rocket_npu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>

#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/program.h"
#include "backend/rknpu/selftest.h"
#include "tests/backend/rknpu/fake_kernel.h"

namespace wattle::rknpu {
namespace {

using test::FakeRocketKernel;
using testing::HasSubstr;
using namespace std::chrono_literals;

TEST(RocketNpu, Multiplies) {
  const auto kernel = std::make_shared<FakeRocketKernel>();
  {
    const auto npu = open_rocket_npu(kernel);
    EXPECT_EQ(npu->info().driver, "rocket");
    EXPECT_EQ(npu->info().form, Form::rocket);
    EXPECT_FALSE(npu->info().tells_faults);
    size_t n_lines = 0;
    for (const SelftestLine& line : selftest(*npu)) {
      ++n_lines;
      EXPECT_EQ(line.problem, "") << line.m << " x " << line.k << " x " << line.n;
    }
    EXPECT_GT(n_lines, 10u);
    // Three domains at the front, three at the back, each with a descriptor of its own.
    const std::set<uint32_t> windows(kernel->job_windows.begin(), kernel->job_windows.end());
    EXPECT_EQ(windows.size(), 6u);
    EXPECT_EQ(std::ranges::count(kernel->calls, "flock"), 1);
  }
  EXPECT_TRUE(kernel->is_clean());
}

TEST(RocketNpu, CountsItsBuffers) {
  const auto npu = open_rocket_npu(std::make_shared<FakeRocketKernel>());
  const size_t before = npu->free_bytes(3);
  {
    const auto buffer = npu->allocate(5000, 3);
    EXPECT_EQ(npu->free_bytes(3), before - 8192);
  }
  EXPECT_EQ(npu->free_bytes(3), before);
}

TEST(RocketNpu, KeepsWhatTheProcessorWroteBesideResults) {
  const auto npu = open_rocket_npu(std::make_shared<FakeRocketKernel>());
  const auto buffer = npu->allocate(8192, 0);
  buffer->to_device();
  buffer->bytes()[5000] = std::byte{42};
  buffer->from_device(0, 64);  // takes back all of it
  EXPECT_EQ(buffer->bytes()[5000], std::byte{42});
}

struct Job {
  explicit Job(NpuDevice& npu) : buffer(npu.allocate(65536, 0)) {
    Matmul product{.type = MatmulType::i8_i8_i32, .m = 4, .k = 32, .n = 32};
    product.a = buffer->address();
    product.b = product.a + 4096;
    product.c = product.a + 8192;
    const auto commands = commands_of(plan_matmul(product, Orientation::column, Form::rocket),
                                      Form::rocket, product.a + 16384);
    std::memcpy(&buffer->bytes()[16384], commands[0].words.data(),
                commands[0].words.size() * sizeof(uint64_t));
    tasks.push_back({commands[0].address, static_cast<uint32_t>(commands[0].words.size())});
    std::fill_n(buffer->bytes().begin(), 8192, std::byte{1});
    std::fill_n(buffer->bytes().begin() + 8192, 512, std::byte{0xa5});
    buffer->to_device();
    list = {.domain = 0, .tasks = tasks, .output = buffer.get()};
  }
  std::byte result() {
    buffer->from_device(8192, 512);
    return buffer->bytes()[8192];
  }
  std::unique_ptr<NpuBuffer> buffer;
  std::vector<NpuTask> tasks;
  NpuList list;
};

// The mark that callers leave is all that shows it.
TEST(RocketNpu, AJobThatHangsLeavesResultsUnwritten) {
  const auto kernel = std::make_shared<FakeRocketKernel>();
  const auto npu = open_rocket_npu(kernel);
  Job job(*npu);
  kernel->hangs = true;
  npu->submit({&job.list, 1}, 1s);
  EXPECT_EQ(job.result(), std::byte{0xa5});
  kernel->hangs = false;
  npu->submit({&job.list, 1}, 1s);
  EXPECT_EQ(job.result(), std::byte{32});
}

TEST(RocketNpu, WaitsForTheKernelBeforeItGoesOn) {
  const auto kernel = std::make_shared<FakeRocketKernel>();
  const auto npu = open_rocket_npu(kernel);
  Job job(*npu);
  kernel->never_ends = true;
  const auto start = std::chrono::steady_clock::now();
  const auto fault = [&] {
    try {
      npu->submit({&job.list, 1}, 10ms);
    } catch (const NpuFault& found) {
      return found.kind();
    }
    return NpuFault::Kind::owned;
  };
  EXPECT_EQ(fault(), NpuFault::Kind::timeout);
  kernel->never_ends = false;
  EXPECT_EQ(fault(), NpuFault::Kind::failed);  // not reset
  npu->reset();
  EXPECT_GE(std::chrono::steady_clock::now() - start, 500ms);  // the kernel's own limit
  npu->submit({&job.list, 1}, 1s);
  EXPECT_EQ(job.result(), std::byte{32});
}

TEST(RocketNpu, SaysWhatTheKernelRefuses) {
  const auto kernel = std::make_shared<FakeRocketKernel>();
  const auto npu = open_rocket_npu(kernel);
  Job job(*npu);
  const auto refuse = [&](const char* call, int error) {
    kernel->refuse = [=](std::string_view now, const std::string&) {
      return now == call ? error : 0;
    };
  };
  const auto code_of = [](auto action) {
    try {
      action();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::cancelled;
  };
  refuse("create_bo", ENOMEM);
  EXPECT_EQ(code_of([&] { npu->allocate(4096, 0); }), ErrorCode::out_of_memory);
  refuse("open", EMFILE);
  EXPECT_EQ(code_of([&] { npu->allocate(4096, 7); }), ErrorCode::io);
  refuse("fini_bo", ENODEV);
  EXPECT_THROW(job.buffer->to_device(), NpuFault);
  refuse("submit", EINVAL);
  EXPECT_THROW(npu->submit({&job.list, 1}, 1s), NpuFault);
  kernel->refuse = {};
  npu->reset();
  // A buffer of a domain whose opening was refused once.
  EXPECT_EQ(npu->allocate(4096, 7)->domain(), 7u);
}

TEST(RocketNpu, SaysWhyItCannotBeOpened) {
  const auto kernel = std::make_shared<FakeRocketKernel>();
  kernel->is_owned = true;
  EXPECT_THROW(open_rocket_npu(kernel), NpuFault);
  kernel->is_owned = false;
  kernel->refuse = [](std::string_view call, const std::string&) {
    return call == "open" ? EACCES : 0;
  };
  try {
    open_rocket_npu(kernel);
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/dev/accel/accel1"));
  }
  kernel->refuse = [](std::string_view call, const std::string&) {
    return call == "open" ? ENODEV : 0;
  };
  try {
    open_rocket_npu(kernel);
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
  }
}

}  // namespace
}  // namespace wattle::rknpu
