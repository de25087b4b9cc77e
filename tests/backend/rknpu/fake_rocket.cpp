// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>

#include "tests/backend/rknpu/fake_kernel.h"

namespace wattle::rknpu::test {
namespace {

constexpr uint64_t kMapOffset = uint64_t{1} << 32;

}  // namespace

FakeRocketKernel::FakeRocketKernel()
    : FakeKernel({{"/dev/accel/accel0", "ivpu"}, {"/dev/accel/accel1", "rocket"}}, 0, 0) {}

uint64_t FakeRocketKernel::mapped_object(int fd, uint64_t offset) {
  const uint64_t key = offset / kMapOffset;
  return owns(fd, static_cast<uint32_t>(key)) ? key : 0;
}

// A descriptor is an address space of its own.
bool FakeRocketKernel::owns(int fd, uint32_t handle) {
  const Object* const object = find(handle);
  return object != nullptr && object->window == static_cast<uint32_t>(fd);
}

int FakeRocketKernel::request(int fd, unsigned long number, RequestBytes bytes) {
  if (number == request_number(kReadWrite, 'd', 0x40, 24)) return create_bo(fd, bytes);
  if (number == request_number(kWrite, 'd', 0x41, 24)) return submit(fd, bytes);
  if (number == request_number(kWrite, 'd', 0x42, 16)) {
    if (const int error = asked("prep_bo"); error != 0) return error;
    EXPECT_EQ(bytes.u32(4), 0u);
    if (!owns(fd, bytes.u32(0))) return ENOENT;
    const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
    const int64_t left = bytes.get<int64_t>(8) - now.count();
    EXPECT_TRUE(left > -60'000'000'000 && left < 60'000'000'000) << "a time, not a span";
    if (never_ends) return ETIMEDOUT;
    Object* const object = find(bytes.u32(0));
    object->invalidate(0, object->size);
    return 0;
  }
  if (number == request_number(kWrite, 'd', 0x43, 8)) {
    if (const int error = asked("fini_bo"); error != 0) return error;
    EXPECT_EQ(bytes.u32(4), 0u);
    if (!owns(fd, bytes.u32(0))) return ENOENT;
    Object* const object = find(bytes.u32(0));
    object->clean(0, object->size);
    return 0;
  }
  if (number == request_number(kWrite, 'd', 0x09, 8)) {
    if (const int error = asked("gem_close"); error != 0) return error;
    EXPECT_EQ(bytes.u32(4), 0u);
    if (!owns(fd, bytes.u32(0))) return EINVAL;
    destroy(bytes.u32(0));
    return 0;
  }
  ADD_FAILURE() << "rocket has no request " << std::hex << number;
  return EINVAL;
}

int FakeRocketKernel::create_bo(int fd, RequestBytes bytes) {
  if (const int error = asked("create_bo"); error != 0) return error;
  EXPECT_EQ(bytes.u32(4), 0u);
  EXPECT_EQ(bytes.u64(8) + bytes.u64(16), 0u);
  const uint64_t key = create(static_cast<uint32_t>(fd), bytes.u32(0), 0);
  if (key == 0) return ENOMEM;
  bytes.set<uint32_t>(4, static_cast<uint32_t>(key));
  bytes.set<uint64_t>(8, find(key)->address);
  bytes.set<uint64_t>(16, key * kMapOffset);
  return 0;
}

int FakeRocketKernel::submit(int fd, RequestBytes bytes) {
  if (const int error = asked("submit"); error != 0) return error;
  EXPECT_EQ(bytes.u32(8), 1u);
  EXPECT_EQ(bytes.u32(12), 40u);
  EXPECT_EQ(bytes.u64(16), 0u);
  return run_job(fd, RequestBytes(reinterpret_cast<void*>(bytes.u64(0))));
}

int FakeRocketKernel::run_job(int fd, RequestBytes job) {
  const uint32_t n_tasks = job.u32(24);
  EXPECT_GT(n_tasks, 0u);
  EXPECT_EQ(job.u32(28), 8u);
  EXPECT_GT(job.u32(32), 0u);
  EXPECT_GT(job.u32(36), 0u);
  std::set<uint32_t> handles;  // one buffer cannot be locked twice
  for (const auto& [list, count] :
       {std::pair(job.u64(8), job.u32(32)), {job.u64(16), job.u32(36)}}) {
    RequestBytes names(reinterpret_cast<void*>(list));
    for (uint32_t i = 0; i < count; ++i) {
      if (!owns(fd, names.u32(4 * i))) return ENOENT;
      if (!handles.insert(names.u32(4 * i)).second) return EALREADY;
    }
  }
  std::vector<NpuTask> tasks;
  RequestBytes list(reinterpret_cast<void*>(job.u64(0)));
  for (uint32_t i = 0; i < n_tasks; ++i) tasks.push_back({list.u32(8 * i), list.u32(8 * i + 4)});
  job_windows.push_back(static_cast<uint32_t>(fd));
  // A job that does not end is taken off its core, and nobody is told.
  if (!hangs && !never_ends) {
    cores_[next_core_].run(windows_[static_cast<uint32_t>(fd)], Form::rocket, tasks);
    next_core_ = (next_core_ + 1) % 3;
  }
  return 0;
}

}  // namespace wattle::rknpu::test
