// SPDX-License-Identifier: Apache-2.0
// The driver of Rockchip's kernel, on a kernel that takes its requests apart.
#include "backend/rknpu/driver/vendor_npu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "backend/cpu/cpu_device.h"
#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/program.h"
#include "backend/rknpu/rknpu_device.h"
#include "backend/rknpu/selftest.h"
#include "tests/backend/rknpu/fake_kernel.h"
#include "tests/backend/rknpu/places.h"
#include "tests/support/temp_dir.h"

namespace wattle::rknpu {
namespace {

using test::FakeVendorKernel;
using testing::HasSubstr;
using namespace std::chrono_literals;

using Fake = std::shared_ptr<FakeVendorKernel>;

void expect_all_equal(NpuDevice& device) {
  size_t n_lines = 0;
  for (const SelftestLine& line : selftest(device)) {
    ++n_lines;
    EXPECT_EQ(line.problem, "") << line.m << " x " << line.k << " x " << line.n;
  }
  EXPECT_GT(n_lines, 20u);
}

// One chain of n tasks on each core: products of one row with commands that lie one after the
// other.
struct Chains {
  Chains(NpuDevice& device, size_t n_lists, uint32_t domain = 0) {
    for (size_t i = 0; i < n_lists; ++i) {
      // N above 8160 makes two tasks.
      Matmul product{.type = MatmulType::i8_i8_i32, .m = 1, .k = 32, .n = 8192};
      buffers.push_back(device.allocate(512 * 1024, domain));
      product.a = buffers[i]->address();
      product.b = product.a + 4096;
      product.c = product.b + 32 * 8192;
      const uint32_t commands = product.c + 4 * 8192;
      std::vector<NpuTask>& list = tasks.emplace_back();
      for (const TaskCommands& task : commands_of(
               plan_matmul(product, Orientation::native, Form::vendor), Form::vendor, commands)) {
        std::memcpy(&buffers[i]->bytes()[task.address - product.a], task.words.data(),
                    task.words.size() * sizeof(uint64_t));
        list.push_back({task.address, static_cast<uint32_t>(task.words.size())});
      }
      std::fill_n(buffers[i]->bytes().begin(), 32, std::byte{1});
      std::fill_n(buffers[i]->bytes().begin() + 4096, 32 * 8192, std::byte{2});
      buffers[i]->to_device();
      c_offset = product.c - product.a;
    }
    for (size_t i = 0; i < n_lists; ++i) {
      lists.push_back({.domain = domain, .tasks = tasks[i], .output = buffers[i].get()});
    }
  }
  int32_t last_of(size_t list) {
    buffers[list]->from_device();
    int32_t value = 0;
    std::memcpy(&value, &buffers[list]->bytes()[c_offset + 4 * 8191], sizeof value);
    return value;
  }
  static constexpr int32_t kRight = 64;

  std::vector<std::unique_ptr<NpuBuffer>> buffers;
  std::vector<std::vector<NpuTask>> tasks;
  std::vector<NpuList> lists;
  size_t c_offset = 0;
};

TEST(VendorNpu, MultipliesThroughTheCardNode) {
  const auto kernel = std::make_shared<FakeVendorKernel>();
  {
    const auto npu = open_vendor_npu(kernel);
    EXPECT_EQ(npu->info().driver, "vendor");
    EXPECT_EQ(npu->info().version, "0.9.8");
    EXPECT_EQ(npu->info().n_domains, 16u);
    EXPECT_TRUE(kernel->holds_power);
    expect_all_equal(*npu);
    EXPECT_EQ(kernel->core_mask, 7u);
    EXPECT_FALSE(npu->usage().is_projection);
    EXPECT_GT(npu->usage().n_submits, 20u);
  }
  EXPECT_FALSE(kernel->holds_power);
  EXPECT_TRUE(kernel->is_clean());
}

TEST(VendorNpu, SpeaksToEachVersionAndNode) {
  struct Case {
    uint32_t version;
    FakeVendorKernel::Node node;
    uint32_t n_domains;
  };
  using Node = FakeVendorKernel::Node;
  for (const auto& [version, node, n_domains] : {Case{800, Node::drm, 1},
                                                 {802, Node::misc, 1},
                                                 {905, Node::drm, 1},
                                                 {906, Node::drm, 1},
                                                 {907, Node::misc, 1},
                                                 {908, Node::misc, 16},
                                                 {909, Node::drm, 16}}) {
    const auto kernel = std::make_shared<FakeVendorKernel>(version, node);
    const auto npu = open_vendor_npu(kernel);
    EXPECT_EQ(npu->info().n_domains, n_domains) << version;
    for (size_t n_lists = 1; n_lists <= 3; ++n_lists) {
      Chains chains(*npu, n_lists, n_domains - 1);
      npu->submit(chains.lists, 250ms);
      EXPECT_EQ(kernel->core_mask, (1u << n_lists) - 1);
      EXPECT_EQ(kernel->domain, n_domains - 1);
      EXPECT_EQ(kernel->timeout_ms, 250u);
      for (size_t i = 0; i < n_lists; ++i) EXPECT_EQ(chains.last_of(i), Chains::kRight);
    }
  }
}

TEST(VendorNpu, HasOneDomainWhereTheKernelDoes) {
  const auto kernel = std::make_shared<FakeVendorKernel>();
  kernel->n_domains = 1;
  const auto npu = open_vendor_npu(kernel);
  EXPECT_EQ(npu->info().n_domains, 1u);
  EXPECT_THROW(npu->allocate(4096, 1), Error);
}

TEST(VendorNpu, BuffersAreZeroAndCounted) {
  const auto kernel = std::make_shared<FakeVendorKernel>();
  const auto npu = open_vendor_npu(kernel);
  const size_t before = npu->free_bytes(3);
  {
    const auto buffer = npu->allocate(5000, 3);
    EXPECT_EQ(buffer->bytes().size(), 5000u);
    EXPECT_EQ(buffer->address() % 4096, 0u);
    EXPECT_EQ(npu->free_bytes(3), before - 8192);
    buffer->from_device();
    EXPECT_TRUE(
        std::ranges::all_of(buffer->bytes(), [](std::byte b) { return b == std::byte{0}; }));
  }
  EXPECT_EQ(npu->free_bytes(3), before);
  EXPECT_THROW(npu->allocate(0, 0), Error);
  EXPECT_THROW(npu->allocate(size_t{1} << 32, 0), Error);
}

TEST(VendorNpu, SyncsWholeLinesAndNoMoreThanTheBuffer) {
  const auto kernel = std::make_shared<FakeVendorKernel>();
  const auto npu = open_vendor_npu(kernel);
  const auto buffer = npu->allocate(100, 0);
  buffer->to_device(3, 70);  // the kernel refuses half a line, and what lies beyond
  buffer->from_device(99, 1);
  buffer->from_device(0, 0);
}

TEST(VendorNpu, RefusesListsThatNoSubmitMayHold) {
  const auto kernel = std::make_shared<FakeVendorKernel>();
  const auto npu = open_vendor_npu(kernel);
  Chains four(*npu, 4);
  Chains far(*npu, 1, 2);
  std::vector<NpuList> mixed = {four.lists[0], far.lists[0]};
  NpuList empty = four.lists[0];
  empty.tasks = {};
  NpuList blind = four.lists[0];
  blind.output = nullptr;
  const std::vector<NpuTask> many(kMaxTasksOfList + 1, four.tasks[0][0]);
  NpuList longest = four.lists[0];
  longest.tasks = many;
  const auto refused = [&](std::span<const NpuList> lists) {
    try {
      npu->submit(lists, 1s);
    } catch (const Error& error) {
      return error.code() == ErrorCode::usage;
    }
    return false;
  };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused(four.lists));
  EXPECT_TRUE(refused(mixed));
  EXPECT_TRUE(refused({&empty, 1}));
  EXPECT_TRUE(refused({&blind, 1}));
  EXPECT_TRUE(refused({&longest, 1}));
  EXPECT_EQ(std::ranges::count(kernel->calls, "submit"), 0);
}

TEST(VendorNpu, PrefersTheCardThenTheRenderNode) {
  const auto kernel = std::make_shared<FakeVendorKernel>();
  std::vector<std::string> opened;
  kernel->refuse = [&](std::string_view call, const std::string& path) {
    if (call == "open") opened.push_back(path);
    return call == "open" && path == "/dev/dri/card1" ? EACCES : 0;
  };
  const auto npu = open_vendor_npu(kernel);
  EXPECT_EQ(opened.back(), "/dev/dri/renderD129");
}

// What opening ends with.
Error open_error(const Fake& kernel) {
  try {
    open_vendor_npu(kernel);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "opened";
  return Error(ErrorCode::usage, "");
}

TEST(VendorNpu, SaysWhyItCannotBeOpened) {
  const auto with = [](auto change, uint32_t version = 908) {
    const auto kernel = std::make_shared<FakeVendorKernel>(version);
    change(*kernel);
    return open_error(kernel);
  };
  const auto refuse_all = [&](const char* call, int error) {
    return with([=](FakeVendorKernel& kernel) {
      kernel.refuse = [=](std::string_view now, const std::string&) {
        return now == call ? error : 0;
      };
    });
  };
  const auto unchanged = [](FakeVendorKernel&) {};

  const Error denied = refuse_all("open", EACCES);
  EXPECT_EQ(denied.code(), ErrorCode::io);
  EXPECT_THAT(denied.what(), HasSubstr("/dev/dri/card1"));
  EXPECT_THAT(denied.hint(), HasSubstr("wattle doctor"));
  EXPECT_EQ(refuse_all("open", ENODEV).code(), ErrorCode::unsupported);
  EXPECT_THAT(refuse_all("open", EMFILE).hint(), HasSubstr("ulimit -n"));
  EXPECT_THAT(refuse_all("flock", ENOLCK).what(), HasSubstr("cannot lock"));
  EXPECT_EQ(refuse_all("mem_create", ENOMEM).code(), ErrorCode::out_of_memory);
  EXPECT_EQ(refuse_all("map", ENOMEM).code(), ErrorCode::out_of_memory);

  EXPECT_THAT(with(unchanged, 799).what(), HasSubstr("version 799"));
  EXPECT_THAT(with(unchanged, 10000).what(), HasSubstr("version 10000"));
  EXPECT_THAT(with([](FakeVendorKernel& k) { k.hardware = 0x12345678; }).what(),
              HasSubstr("0x12345678"));
  EXPECT_THAT(with([](FakeVendorKernel& k) { k.has_iommu = false; }).what(), HasSubstr("no IOMMU"));
  EXPECT_THAT(with([](FakeVendorKernel& k) { k.address_offset = uint64_t{1} << 32; }).what(),
              HasSubstr("below 4 GiB"));
}

TEST(VendorNpu, LeavesItToTheProcessThatHasIt) {
  const auto kernel = std::make_shared<FakeVendorKernel>();
  kernel->is_owned = true;
  try {
    open_vendor_npu(kernel);
    FAIL() << "opened";
  } catch (const NpuFault& fault) {
    EXPECT_EQ(fault.kind(), NpuFault::Kind::owned);
    EXPECT_THAT(fault.hint(), HasSubstr("run on the CPU"));
  }
  EXPECT_TRUE(kernel->is_clean());
}

NpuFault::Kind submit_fault(NpuDevice& npu, std::span<const NpuList> lists) {
  try {
    npu.submit(lists, 1s);
  } catch (const NpuFault& fault) {
    return fault.kind();
  }
  ADD_FAILURE() << "no fault";
  return NpuFault::Kind::owned;
}

TEST(VendorNpu, TellsFaultsOfJobsAndGoesOnAfterAReset) {
  const auto kernel = std::make_shared<FakeVendorKernel>();
  const auto npu = open_vendor_npu(kernel);
  Chains chains(*npu, 3);
  kernel->hangs = true;
  EXPECT_EQ(submit_fault(*npu, chains.lists), NpuFault::Kind::timeout);
  kernel->hangs = false;
  EXPECT_EQ(submit_fault(*npu, chains.lists), NpuFault::Kind::failed);  // not reset
  npu->reset();
  npu->submit(chains.lists, 1s);
  EXPECT_EQ(chains.last_of(2), Chains::kRight);

  for (const auto& [error, kind] : {std::pair(ENODEV, NpuFault::Kind::lost),
                                    {EINTR, NpuFault::Kind::failed},
                                    {EINVAL, NpuFault::Kind::failed},
                                    {ENOMEM, NpuFault::Kind::failed}}) {
    kernel->refuse = [number = error](std::string_view call, const std::string&) {
      return call == "submit" ? number : 0;
    };
    EXPECT_EQ(submit_fault(*npu, chains.lists), kind) << error;
    kernel->refuse = {};
    npu->reset();
  }
  kernel->refuse = [](std::string_view call, const std::string&) {
    return call == "action_6" ? ENODEV : 0;
  };
  EXPECT_THROW(npu->reset(), NpuFault);
}

TEST(VendorNpu, GivesBackWhatItHasWhereARequestIsRefused) {
  const auto kernel = std::make_shared<FakeVendorKernel>();
  const auto npu = open_vendor_npu(kernel);
  const size_t before = npu->free_bytes(0);
  for (const auto& [request, error, code] :
       {std::tuple("mem_create", ENOMEM, ErrorCode::out_of_memory),
        {"mem_create", EMFILE, ErrorCode::io},
        {"mem_map", ENOMEM, ErrorCode::out_of_memory},
        {"map", EMFILE, ErrorCode::io},
        {"mem_sync", ENODEV, ErrorCode::io}}) {
    kernel->refuse = [refused = request, number = error](std::string_view call,
                                                         const std::string&) {
      return call == refused ? number : 0;
    };
    try {
      npu->allocate(4096, 0);
      ADD_FAILURE() << request;
    } catch (const Error& found) {
      EXPECT_EQ(found.code(), code) << request;
    }
  }
  kernel->refuse = {};
  EXPECT_EQ(npu->free_bytes(0), before);
}

TEST(VendorNpu, AMatrixOfAModelComputesThroughTheDriver) {
  const auto npu = open_vendor_npu(std::make_shared<FakeVendorKernel>());
  std::vector<std::string> told;
  EngineContext context({.n_threads = 1, .log = [&](LogLevel level, std::string_view line) {
                           if (level == LogLevel::warning) told.emplace_back(line);
                         }});
  CpuDevice cpu(context);
  RknpuDevice device(context, cpu, *npu, all_in(Arithmetic::w16a16, 32));
  constexpr size_t kRows = 40;
  constexpr size_t kIn = 512;
  constexpr size_t kOut = 256;
  std::vector<float> w(kOut * kIn);
  AlignedBuffer<float> x(kRows * kIn);
  AlignedBuffer<float> y(kRows * kOut);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 7) - 3;
  for (size_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i % 5) - 2;
  const auto linear = device.prepare({.name = "w",
                                      .dtype = DType::f32,
                                      .n_dims = 2,
                                      .shape = {kOut, kIn, 1, 1},
                                      .data = std::as_bytes(std::span(w)).data(),
                                      .size_bytes = w.size() * sizeof(float)},
                                     {.max_rows = kRows});
  ASSERT_EQ(device.status().n_on_npu, 1U);
  const uint64_t before = npu->usage().n_submits;
  device.linear(MatView<const float>(x.data(), kRows, kIn),
                std::vector<LinearCall>{{linear.get(), MatView<float>(y.data(), kRows, kOut)}});
  EXPECT_GT(npu->usage().n_submits, before);
  // Small integers: sums are exact in any order.
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t n = 0; n < kOut; ++n) {
      float sum = 0;
      for (size_t k = 0; k < kIn; ++k) sum += w[n * kIn + k] * x.data()[row * kIn + k];
      ASSERT_EQ(y.data()[row * kOut + n], sum) << row << ", " << n;
    }
  }
  EXPECT_THAT(told, testing::IsEmpty());
}

TEST(SystemKernel, LocksForOneDescriptorAtATime) {
  const wattle::test::TempDir folder;
  const std::string path = (folder.path() / "node").string();
  std::ofstream(path) << std::string(8192, 'x');
  SystemKernel kernel;
  const FileDescriptor first(kernel, kernel.open(path));
  FileDescriptor second(kernel, kernel.open(path));
  ASSERT_TRUE(first.is_open() && second.is_open());
  EXPECT_EQ(kernel.flock(first.get()), 0);
  EXPECT_EQ(kernel.flock(second.get()), -1);
  EXPECT_EQ(errno, EWOULDBLOCK);
  void* const mapped = kernel.map(4096, first.get(), 4096);
  ASSERT_NE(mapped, nullptr);
  EXPECT_EQ(static_cast<char*>(mapped)[0], 'x');
  kernel.unmap(mapped, 4096);
  int argument = 0;
  EXPECT_EQ(kernel.ioctl(first.get(), 0, &argument), -1);
  EXPECT_EQ(kernel.open((folder.path() / "none").string()), -1);
  EXPECT_EQ(errno, ENOENT);
}

}  // namespace
}  // namespace wattle::rknpu
