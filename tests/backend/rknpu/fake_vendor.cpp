// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cerrno>
#include <numeric>

#include "tests/backend/rknpu/fake_kernel.h"

namespace wattle::rknpu::test {
namespace {

// Objects are named by their address in the kernel; handles are small numbers, or descriptors.
constexpr uint64_t kObjects = 0xffffff8000000000;
constexpr uint64_t kHandles = 7;
constexpr uint64_t kMapOffset = uint64_t{1} << 32;

enum : unsigned { kAction, kSubmit, kMemCreate, kMemMap, kMemDestroy, kMemSync };

std::vector<FakeNode> nodes(FakeVendorKernel::Node node) {
  if (node == FakeVendorKernel::Node::misc) return {{"/dev/rknpu", ""}};
  return {{"/dev/dri/card0", "rockchip"},
          {"/dev/dri/card1", "rknpu"},
          {"/dev/dri/renderD128", "rockchip"},
          {"/dev/dri/renderD129", "rknpu"}};
}

}  // namespace

FakeVendorKernel::FakeVendorKernel(uint32_t version, Node node)
    : FakeKernel(nodes(node), static_cast<int>(version / 100 % 100),
                 static_cast<int>(version % 100)),
      version_(version),
      is_drm_(node == Node::drm) {}

uint64_t FakeVendorKernel::mapped_object(int fd, uint64_t offset) {
  if (is_drm_) return offset / kMapOffset;
  EXPECT_EQ(offset, 0u);
  const auto file = files_.find(fd);
  return file == files_.end() ? 0 : std::stoull(file->second.path);
}

int FakeVendorKernel::request(int, unsigned long number, RequestBytes bytes) {
  const auto is = [&](unsigned n, unsigned size) {
    return number == (is_drm_ ? request_number(kReadWrite, 'd', 0x40 + n, size)
                              : request_number(kReadWrite, 'r', n, size));
  };
  if (is(kAction, 8)) return action(bytes);
  if (is(kSubmit, 104)) return submit(bytes);
  if (is(kMemCreate, version_ >= 906 ? 48 : 40)) return mem_create(bytes);
  if (is(kMemSync, 32)) return mem_sync(bytes);
  if (is_drm_ && is(kMemMap, 16)) {
    if (const int error = asked("mem_map"); error != 0) return error;
    EXPECT_EQ(bytes.u32(4), 0u);
    const uint64_t key = bytes.u32(0) - kHandles;
    if (find(key) == nullptr) return EINVAL;
    bytes.set<uint64_t>(8, key * kMapOffset);
    return 0;
  }
  if (is(kMemDestroy, 16)) {
    if (const int error = asked("mem_destroy"); error != 0) return error;
    EXPECT_EQ(bytes.u32(4), 0u);
    const uint64_t key = bytes.u64(8) - kObjects;
    EXPECT_EQ(bytes.u32(0), is_drm_ ? key + kHandles : bytes.u32(0));
    destroy(key);
    return 0;
  }
  ADD_FAILURE() << "rknpu " << version_ << " has no request " << std::hex << number;
  return EINVAL;
}

int FakeVendorKernel::action(RequestBytes bytes) {
  const uint32_t what = bytes.u32(0);
  if (const int error = asked("action_" + std::to_string(what)); error != 0) return error;
  switch (what) {
    case 0: bytes.set<uint32_t>(4, hardware); return 0;
    case 1: bytes.set<uint32_t>(4, version_); return 0;
    case 6:
      for (Core& core : cores_) core.reset();
      return 0;
    case 18: bytes.set<uint32_t>(4, has_iommu ? 1 : 0); return 0;
    case 20: holds_power = true; return 0;
    case 21: holds_power = false; return 0;
    default: ADD_FAILURE() << "action " << what; return EINVAL;
  }
}

int FakeVendorKernel::mem_create(RequestBytes bytes) {
  if (const int error = asked("mem_create"); error != 0) return error;
  EXPECT_EQ(bytes.u32(0), 0u);
  const uint32_t flags = bytes.u32(4);
  EXPECT_EQ(flags & ~8u, version_ >= 907 ? 0x403u : 0x3u);
  EXPECT_EQ(bytes.u64(16) + bytes.u64(24) + bytes.u64(32), 0u);
  uint32_t window = 0;
  if (version_ >= 906) {
    window = bytes.u32(40);
    EXPECT_EQ(bytes.u32(44), 0u);
  }
  if (window >= n_domains) return EINVAL;
  const uint64_t key = create(window, bytes.u64(8), flags);
  if (key == 0) return ENOMEM;
  uint32_t handle = static_cast<uint32_t>(key + kHandles);
  if (!is_drm_) {
    handle = static_cast<uint32_t>(next_fd_++);
    files_[static_cast<int>(handle)] = {.path = std::to_string(key), .driver = {}};
  }
  bytes.set<uint32_t>(0, handle);
  bytes.set<uint64_t>(16, kObjects + key);
  bytes.set<uint64_t>(24, find(key)->address + address_offset);
  return 0;
}

int FakeVendorKernel::mem_sync(RequestBytes bytes) {
  if (const int error = asked("mem_sync"); error != 0) return error;
  EXPECT_EQ(bytes.u32(4), 0u);
  Object* const object = find(bytes.u64(8) - kObjects);
  const uint64_t offset = bytes.u64(16);
  const uint64_t size = bytes.u64(24);
  if (object == nullptr || offset > object->size || size > object->size - offset) return EINVAL;
  EXPECT_EQ(offset % 64 + size % 64, 0u) << "half a cache line";
  switch (bytes.u32(0)) {
    case 1: object->clean(offset, size); return 0;
    case 2: object->invalidate(offset, size); return 0;
    default: ADD_FAILURE() << "sync " << bytes.u32(0); return EINVAL;
  }
}

// 40 bytes each, of memory that the kernel has mapped.
std::vector<NpuTask> FakeVendorKernel::descriptors(const Object& object, uint32_t start,
                                                   uint32_t number) {
  std::vector<NpuTask> tasks;
  for (uint32_t i = start; i < start + number; ++i) {
    RequestBytes task(const_cast<std::byte*>(&object.memory.at(i * 40)));
    EXPECT_EQ(task.u32(0), 0u);
    EXPECT_EQ(task.u32(4), 0u);
    EXPECT_EQ(task.u32(8), 0xdu);
    EXPECT_EQ(task.u32(12), 0x300u);
    EXPECT_EQ(task.u32(16), 0x1ffffu);
    EXPECT_EQ(task.u32(20), 0u);
    EXPECT_TRUE(task.u32(24) == 104 || task.u32(24) == 108) << task.u32(24);
    EXPECT_EQ(task.u32(28), 0u);
    EXPECT_LT(task.u64(32), uint64_t{1} << 32);
    tasks.push_back({static_cast<uint32_t>(task.u64(32)), task.u32(24) + 4});
  }
  return tasks;
}

int FakeVendorKernel::submit(RequestBytes bytes) {
  if (const int error = asked("submit"); error != 0) return error;
  EXPECT_EQ(bytes.u32(0), 5u);  // PC, ping-pong
  timeout_ms = bytes.u32(4);
  EXPECT_EQ(bytes.u32(8), 0u);
  const uint32_t n_tasks = bytes.u32(12);
  EXPECT_EQ(bytes.u32(16), 0u);
  EXPECT_EQ(bytes.u32(20), 0u);
  Object* const object = find(bytes.u64(24) - kObjects);
  if (object == nullptr) return EINVAL;
  EXPECT_EQ(object->flags & 8, 8u) << "descriptors in memory that the kernel has not mapped";
  domain = bytes.u32(32);
  EXPECT_EQ(bytes.u32(36), 0u);
  EXPECT_EQ(bytes.u64(40), 0u);
  EXPECT_EQ(bytes.u64(48), 0u);
  core_mask = bytes.u32(56);
  EXPECT_EQ(bytes.get<int32_t>(60), -1);
  EXPECT_TRUE(version_ >= 906 || domain == 0);
  if (domain >= n_domains) return EINVAL;

  const bool three = core_mask == 7;
  EXPECT_TRUE(core_mask == 1 || core_mask == 3 || three) << core_mask;
  uint32_t found = 0;
  int error = 0;
  for (unsigned entry = 0; entry < 5; ++entry) {
    const uint32_t start = bytes.u32(64 + 8 * entry);
    const uint32_t number = bytes.u32(68 + 8 * entry);
    const unsigned core = three ? entry - 2 : entry;
    if ((three && entry < 2) || core > 2 || (core_mask >> core & 1) == 0) {
      EXPECT_EQ(number, 0u) << "entry " << entry << " is of no core";
      continue;
    }
    EXPECT_EQ(start, found);
    EXPECT_TRUE(number >= 1 && number <= 4095) << number;
    found += number;
    const auto tasks = descriptors(*object, start, number);
    if (hangs) error = ETIMEDOUT;
    if (error == 0 && !cores_[core].run(windows_[domain], Form::vendor, tasks).why.empty()) {
      error = ETIMEDOUT;
    }
  }
  EXPECT_EQ(found, n_tasks);
  if (error != 0) {
    for (Core& core : cores_) core.reset();
    return error;
  }
  bytes.set<uint32_t>(16, n_tasks);
  bytes.set<int64_t>(48, 31000);
  return 0;
}

}  // namespace wattle::rknpu::test
