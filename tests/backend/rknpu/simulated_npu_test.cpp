// SPDX-License-Identifier: Apache-2.0
// The simulator as a device: what boards and their drivers do beside multiplying.
#include "backend/rknpu/simulator/simulated_npu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "backend/rknpu/pack.h"
#include "backend/rknpu/program.h"
#include "backend/rknpu/selftest.h"
#include "backend/rknpu/simulator/fault_plan.h"
#include "tests/support/error_text.h"

namespace wattle::rknpu {
namespace {

using std::chrono::milliseconds;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr milliseconds kTimeout{1000};

// 4 x 64 x 32 of ones, in int8: every element of C is 64.
class Ones {
 public:
  explicit Ones(NpuDevice& device, uint32_t domain = 0)
      : form_(device.info().form), buffer_(device.allocate(kBytes, domain)) {
    std::memset(&at(kA), 1, bytes_of_a(shape_, orientation()));
    std::memset(&at(kB), 1, bytes_of_b(shape_));
    plan();
    buffer_->to_device();
  }

  // Writes the commands of `shape`, which keeps its addresses.
  void plan() {
    shape_.a = buffer_->address() + kA;
    shape_.b = buffer_->address() + kB;
    shape_.c = buffer_->address() + kC;
    write(commands_of(plan_matmul(shape_, orientation(), form_), form_, buffer_->address()));
  }
  void write(const std::vector<TaskCommands>& program) {
    tasks_.clear();
    for (const TaskCommands& task : program) {
      std::memcpy(&at(task.address - buffer_->address()), task.words.data(),
                  task.words.size() * sizeof(uint64_t));
      tasks_.push_back({task.address, static_cast<uint32_t>(task.words.size())});
    }
  }
  std::vector<double> results() {
    buffer_->from_device();
    std::vector<double> c(size_t{shape_.m} * shape_.n);
    unpack_c(shape_, orientation(), buffer_->bytes().subspan(kC, bytes_of_c(shape_, orientation())),
             c);
    return c;
  }

  NpuList list() const {
    return {.domain = buffer_->domain(), .tasks = tasks_, .output = buffer_.get()};
  }
  std::byte& at(size_t offset) { return buffer_->bytes()[offset]; }
  NpuBuffer& buffer() { return *buffer_; }
  Matmul& shape() { return shape_; }
  std::vector<NpuTask>& tasks() { return tasks_; }

  static constexpr uint32_t kA = 4096, kB = 8192, kC = 16384, kBytes = 32768;

 private:
  Orientation orientation() const {
    return form_ == Form::vendor ? Orientation::native : Orientation::column;
  }
  Form form_;
  Matmul shape_{.type = MatmulType::i8_i8_i32, .m = 4, .k = 64, .n = 32};
  std::unique_ptr<NpuBuffer> buffer_;
  std::vector<NpuTask> tasks_;
};

void submit(NpuDevice& device, const Ones& ones, milliseconds timeout = kTimeout) {
  const NpuList list = ones.list();
  device.submit({&list, 1}, timeout);
}

NpuFault::Kind kind_of_fault(const std::function<void()>& call) {
  try {
    call();
  } catch (const NpuFault& fault) {
    return fault.kind();
  }
  ADD_FAILURE() << "no fault";
  return NpuFault::Kind::failed;
}

SimulatorOptions with_fault(SimulatedFault fault, SimulatedCall where, uint64_t when = 0) {
  return {.fault = [=](SimulatedCall call, uint64_t n) {
    return call == where && n == when ? fault : SimulatedFault::none;
  }};
}

TEST(SimulatedNpu, PassesTheSelftest) {
  for (const Form form : {Form::vendor, Form::rocket}) {
    const auto device = open_simulated_npu({.form = form});
    for (const SelftestLine& line : selftest(*device)) {
      EXPECT_EQ(line.problem, "") << info(line.type).name << ' ' << line.m << ' ' << line.k;
      EXPECT_EQ(line.n_lists, 3U);
    }
    EXPECT_EQ(device->free_bytes(0), device->info().domain_bytes);
  }
}

TEST(SimulatedNpu, HasRoomForTheSelftestIn8MiB) {
  const auto device = open_simulated_npu({.memory_bytes = size_t{8} << 20});
  EXPECT_THAT(selftest(*device), Each(testing::Property(&SelftestLine::equal, true)));
}

TEST(SimulatedNpu, DoesNotSeeWhatWasNotSynced) {
  const auto device = open_simulated_npu();
  Ones ones(*device);
  submit(*device, ones);
  EXPECT_THAT(ones.results(), Each(64.0));
  std::memset(&ones.at(Ones::kB), 2, bytes_of_b(ones.shape()));
  submit(*device, ones);  // B still lies in the processor's cache
  EXPECT_THAT(ones.results(), Each(64.0));
  std::memset(&ones.at(Ones::kB), 2, bytes_of_b(ones.shape()));
  ones.buffer().to_device(Ones::kB, bytes_of_b(ones.shape()));
  const int first = std::to_integer<int>(ones.at(Ones::kC));
  submit(*device, ones);
  EXPECT_EQ(std::to_integer<int>(ones.at(Ones::kC)), first) << "before from_device";
  EXPECT_THAT(ones.results(), Each(128.0));
}

TEST(SimulatedNpu, RunsThreeListsOfADomainOrOneOfEachOfThree) {
  for (const Form form : {Form::vendor, Form::rocket}) {
    const bool is_vendor = form == Form::vendor;
    const auto device = open_simulated_npu({.form = form});
    std::vector<Ones> ones;
    ones.reserve(3);
    for (uint32_t i = 0; i < 3; ++i) ones.emplace_back(*device, is_vendor ? 5 : i);
    const NpuList lists[] = {ones[0].list(), ones[1].list(), ones[2].list()};
    device->submit(lists, kTimeout);
    for (Ones& x : ones) EXPECT_THAT(x.results(), Each(64.0));
    const NpuUsage usage = device->usage();
    EXPECT_EQ(usage.n_submits, 1U);
    EXPECT_EQ(usage.n_tasks, 3U);
    EXPECT_TRUE(usage.is_projection);
    EXPECT_GT(usage.busy_ms, 0.1);
    EXPECT_GT(usage.energy_mj.value_or(0), 0.1);

    Ones other(*device, is_vendor ? 6 : 0);
    const NpuList more[] = {ones[0].list(), other.list()};
    EXPECT_THROW(device->submit(more, kTimeout), Error);
    EXPECT_THROW(device->submit({}, kTimeout), Error);
  }
}

TEST(SimulatedNpu, AddressesEndBelow4GiBAndAreGivenBack) {
  const auto device = open_simulated_npu();
  const size_t all = device->info().domain_bytes;
  EXPECT_EQ(device->free_bytes(3), all);
  const auto first = device->allocate(size_t{3} << 30, 3);
  EXPECT_LE(uint64_t{first->address()} + first->bytes().size(), uint64_t{1} << 32);
  EXPECT_THAT(
      test::error_text(ErrorCode::out_of_memory, [&] { device->allocate(size_t{1} << 30, 3); }),
      HasSubstr("no room for 1073741824 bytes in domain 3"));
  auto rest = device->allocate(device->free_bytes(3), 3);
  EXPECT_EQ(device->free_bytes(3), 0U);
  EXPECT_THROW(device->allocate(1, 3), Error);
  EXPECT_NO_THROW(device->allocate(1, 2));
  rest.reset();
  EXPECT_NO_THROW(device->allocate(size_t{512} << 20, 3));
  EXPECT_THROW(device->allocate(0, 0), Error);
  EXPECT_THROW(device->allocate(1, 16), Error);
}

TEST(SimulatedNpu, HasAsMuchMemoryAndAsManyBuffersAsTold) {
  const auto device = open_simulated_npu({.memory_bytes = size_t{5} << 20, .max_buffers = 2});
  const auto one = device->allocate(size_t{4} << 20, 0);
  EXPECT_EQ(device->free_bytes(1), size_t{1} << 20);
  EXPECT_THROW(device->allocate(size_t{2} << 20, 1), Error);
  const auto two = device->allocate(1, 1);
  EXPECT_THAT(test::error_text(ErrorCode::io, [&] { device->allocate(1, 2); }),
              HasSubstr("no file is left"));
}

TEST(SimulatedNpu, WrongProgramsEndAsTimeoutsThatSayWhy) {
  struct Case {
    std::function<void(Ones&)> spoil;
    const char* why;
  };
  const Case kCases[] = {
      {[](Ones& x) { x.tasks()[0].address += 8; }, "not whole pairs"},
      {[](Ones& x) { x.tasks()[0].address = 0x1000; }, "commands are fetched at 0x1000"},
      {[](Ones& x) { x.tasks()[0].n_words = 50; }, "no block is started"},
      {[](Ones& x) { x.tasks().push_back(x.tasks()[0]); }, "task 1 of 2"},  // not chained
      {[](Ones& x) { x.shape().a = 16; }, "features are read at 0x10"},
      {[](Ones& x) { x.shape().b = 16; }, "weights are read at 0x10"},
      {[](Ones& x) { x.shape().c = 16; }, "results are written at 0x10"},
  };
  for (const auto& [spoil, why] : kCases) {
    const auto device = open_simulated_npu();
    Ones ones(*device);
    spoil(ones);
    const uint32_t at = ones.buffer().address();
    const std::vector<NpuTask> tasks = ones.tasks();
    ones.write(commands_of(plan_matmul(ones.shape(), Orientation::native), Form::vendor, at));
    ones.tasks() = tasks;
    ones.buffer().to_device();
    EXPECT_THAT(test::error_text(ErrorCode::io, [&] { submit(*device, ones); }), HasSubstr(why));
    EXPECT_EQ(kind_of_fault([&] { submit(*device, ones); }), NpuFault::Kind::failed)
        << "before a reset";
    device->reset();
    Ones good(*device);
    submit(*device, good);
    EXPECT_THAT(good.results(), Each(64.0));
  }
}

TEST(SimulatedNpu, CountsResultsWith13Bits) {
  const auto device = open_simulated_npu();
  const uint32_t n = 12288;  // the DPU counts modulo 8192, and nobody tells
  const Matmul shape{.type = MatmulType::i8_i8_i32, .m = 1, .k = 32, .n = n};
  const auto buffer = device->allocate(8192 + n * 32 + n * 4, 0);
  MatmulTask task{.type = shape.type, .k = 32, .n = n};
  task.surface_stride = -3;
  task.a = buffer->address() + 4096;
  task.b = buffer->address() + 8192;
  task.c = task.b + n * 32;
  task.c_surface_bytes = 16;
  std::memset(buffer->bytes().data() + 4096, 1, 4096 + n * 32);
  const auto program = commands_of({&task, 1}, Form::vendor, buffer->address());
  std::memcpy(buffer->bytes().data(), program[0].words.data(), program[0].words.size() * 8);
  buffer->to_device();
  const NpuTask tasks[] = {{buffer->address(), static_cast<uint32_t>(program[0].words.size())}};
  const NpuList list{.tasks = tasks, .output = buffer.get()};
  device->submit({&list, 1}, kTimeout);
  buffer->from_device();
  std::vector<double> c(n);
  unpack_c(shape, Orientation::native, buffer->bytes().subspan(8192 + n * 32), c);
  EXPECT_EQ(c[4095], 32);
  EXPECT_EQ(c[4096], 0);
}

TEST(SimulatedNpu, TimesOut) {
  const auto device =
      open_simulated_npu(with_fault(SimulatedFault::timeout, SimulatedCall::submit, 1));
  Ones ones(*device);
  submit(*device, ones);
  EXPECT_EQ(kind_of_fault([&] { submit(*device, ones); }), NpuFault::Kind::timeout);
  device->reset();
  submit(*device, ones);
  EXPECT_THAT(ones.results(), Each(64.0));
  EXPECT_THAT(test::error_text(ErrorCode::io, [&] { submit(*device, ones, milliseconds(0)); }),
              HasSubstr("it would take"));
}

TEST(SimulatedNpu, Hangs) {
  const auto device = open_simulated_npu(with_fault(SimulatedFault::hang, SimulatedCall::submit));
  Ones ones(*device);
  const auto begin = std::chrono::steady_clock::now();
  const milliseconds timeout(60);
  EXPECT_EQ(kind_of_fault([&] { submit(*device, ones, timeout); }), NpuFault::Kind::timeout);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, timeout);
  EXPECT_THAT(ones.results(), Each(0.0));
}

// Whose driver ends a list by itself.
TEST(SimulatedNpu, HangsNoLongerThanAListMayTake) {
  SimulatorOptions options = with_fault(SimulatedFault::hang, SimulatedCall::submit);
  options.form = Form::rocket;
  const auto device = open_simulated_npu(options);
  Ones ones(*device);
  const auto begin = std::chrono::steady_clock::now();
  submit(*device, ones, milliseconds(20'000));
  const auto passed = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(passed, device->info().list_limit);
  EXPECT_LT(passed, milliseconds(10'000));
  EXPECT_THAT(ones.results(), Each(0.0));
}

TEST(SimulatedNpu, WritesAWrongResultWithoutAWord) {
  const auto device =
      open_simulated_npu(with_fault(SimulatedFault::corrupted_output, SimulatedCall::submit, 3));
  std::vector<std::string> problems;
  struct Enough {};
  const auto keep = [&](const SelftestLine& line) {
    problems.push_back(line.problem);
    if (problems.size() == 5) throw Enough();
  };
  EXPECT_THROW(selftest(*device, keep), Enough);
  EXPECT_THAT(problems, ElementsAre("", "", "", HasSubstr("row 0 column 0 is"), ""));
}

TEST(SimulatedNpu, OneDriverTellsNoFault) {
  SimulatorOptions options = with_fault(SimulatedFault::timeout, SimulatedCall::submit);
  options.form = Form::rocket;
  const auto device = open_simulated_npu(options);
  EXPECT_FALSE(device->info().tells_faults);
  Ones ones(*device);
  submit(*device, ones);
  EXPECT_THAT(ones.results(), Each(0.0));
  submit(*device, ones);
  EXPECT_THAT(ones.results(), Each(64.0));
}

TEST(SimulatedNpu, IsGoodAgainAfterAThousandFaults) {
  const auto device = open_simulated_npu({.fault = parse_fault_plan("timeout/2,no-memory/3")});
  int n_faults = 0;
  const auto until_it_works = [&](const auto& call) {
    for (;;) {
      try {
        return call();
      } catch (const NpuFault&) {
        device->reset();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
      }
      ++n_faults;
    }
  };
  while (n_faults < 1000) {
    Ones ones = until_it_works([&] { return Ones(*device); });
    until_it_works([&] { submit(*device, ones); });
    ASSERT_THAT(ones.results(), Each(64.0));
  }
  EXPECT_EQ(device->free_bytes(0), device->info().domain_bytes);
}

TEST(SimulatedNpu, MayBeGone) {
  const auto device = open_simulated_npu(with_fault(SimulatedFault::lost, SimulatedCall::submit));
  Ones ones(*device);
  for (const std::function<void()>& call : {std::function<void()>([&] { submit(*device, ones); }),
                                            {[&] { submit(*device, ones); }},
                                            {[&] { device->reset(); }},
                                            {[&] { device->allocate(1, 0); }},
                                            {[&] { ones.results(); }}})
    EXPECT_EQ(kind_of_fault(call), NpuFault::Kind::lost);
}

TEST(SimulatedNpu, RefusesWhatItIsToldTo) {
  EXPECT_EQ(kind_of_fault(
                [] { open_simulated_npu(with_fault(SimulatedFault::owned, SimulatedCall::open)); }),
            NpuFault::Kind::owned);
  for (const SimulatedFault fault :
       {SimulatedFault::out_of_memory, SimulatedFault::too_many_files}) {
    const auto device = open_simulated_npu(with_fault(fault, SimulatedCall::allocate, 1));
    const auto one = device->allocate(1, 0);
    EXPECT_THROW(device->allocate(1, 0), Error);
    EXPECT_NO_THROW(device->allocate(1, 0));
  }
}

TEST(SimulatedNpu, BuffersComeAndGoWhileItRuns) {
  const auto device = open_simulated_npu();
  std::thread other([&] {
    for (int i = 0; i < 200; ++i) {
      const auto buffer = device->allocate(8192, 0);
      buffer->bytes()[0] = std::byte{1};
      buffer->to_device();
    }
  });
  Ones ones(*device);
  for (int i = 0; i < 200; ++i) submit(*device, ones);
  other.join();
  EXPECT_THAT(ones.results(), Each(64.0));
}

}  // namespace
}  // namespace wattle::rknpu
