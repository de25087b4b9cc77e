// SPDX-License-Identifier: Apache-2.0
#include "tests/backend/rknpu/fake_kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace wattle::rknpu::test {
namespace {

constexpr uint64_t kWindowBegin = 0x10000;
constexpr uint64_t kWindowEnd = 0xffff0000;

}  // namespace

FakeKernel::FakeKernel(std::vector<FakeNode> nodes, int version_minor, int version_patch)
    : nodes_(std::move(nodes)), minor_(version_minor), patch_(version_patch) {}

FakeKernel::~FakeKernel() { EXPECT_TRUE(is_clean()); }

bool FakeKernel::is_clean() const { return files_.empty() && objects_.empty() && maps_.empty(); }

void FakeKernel::Object::clean(size_t offset, size_t bytes) {
  for (size_t i = offset; i < offset + bytes; ++i) {
    if (cached[i] != written[i]) memory[i] = written[i] = cached[i];
  }
}

void FakeKernel::Object::invalidate(size_t offset, size_t bytes) {
  std::copy_n(&memory[offset], bytes, &cached[offset]);
  std::copy_n(&memory[offset], bytes, &written[offset]);
}

int FakeKernel::asked(const std::string& call, const std::string& path) {
  calls.push_back(call);
  return refuse ? refuse(call, path) : 0;
}

int FakeKernel::open(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto node = std::ranges::find(nodes_, path, &FakeNode::path);
  if (node == nodes_.end()) return errno = ENOENT, -1;
  if (const int error = asked("open", path); error != 0) return errno = error, -1;
  files_[next_fd_] = {.path = path, .driver = node->driver};
  return next_fd_++;
}

int FakeKernel::close(int fd) {
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(files_.erase(fd), 1u) << "closed twice, or never opened: " << fd;
  return 0;
}

int FakeKernel::flock(int fd) {
  const std::lock_guard lock(mutex_);
  if (const int error = asked("flock"); error != 0) return errno = error, -1;
  if (is_owned) return errno = EWOULDBLOCK, -1;
  files_.at(fd).has_lock = true;
  return 0;
}

int FakeKernel::drm_version(const File& file, RequestBytes bytes) {
  if (file.driver.empty()) return ENOTTY;
  EXPECT_GE(bytes.u64(16), file.driver.size());
  std::memcpy(reinterpret_cast<char*>(bytes.u64(24)), file.driver.data(), file.driver.size());
  bytes.set<int32_t>(0, 0);
  bytes.set<int32_t>(4, minor_);
  bytes.set<int32_t>(8, patch_);
  bytes.set<uint64_t>(16, file.driver.size());
  EXPECT_EQ(bytes.u64(32) + bytes.u64(40) + bytes.u64(48) + bytes.u64(56), 0u);
  return 0;
}

int FakeKernel::ioctl(int fd, unsigned long number, void* argument) {
  const std::lock_guard lock(mutex_);
  const auto file = files_.find(fd);
  if (file == files_.end()) return errno = EBADF, -1;
  const RequestBytes bytes(argument);
  const bool asks_version = number == request_number(kReadWrite, 'd', 0x00, 64);
  const int error = asks_version ? drm_version(file->second, bytes) : request(fd, number, bytes);
  if (error == 0) return 0;
  errno = error;
  return -1;
}

void* FakeKernel::map(size_t size, int fd, uint64_t offset) {
  const std::lock_guard lock(mutex_);
  if (const int error = asked("map"); error != 0) return errno = error, nullptr;
  const uint64_t key = mapped_object(fd, offset);
  Object* const object = find(key);
  if (object == nullptr || size != object->size) return errno = EINVAL, nullptr;
  ++object->n_maps;
  maps_[object->cached.data()] = key;
  return object->cached.data();
}

void FakeKernel::unmap(void* address, size_t size) {
  const std::lock_guard lock(mutex_);
  const auto found = maps_.find(address);
  ASSERT_TRUE(found != maps_.end());
  EXPECT_EQ(size, objects_.at(found->second).size);
  --objects_.at(found->second).n_maps;
  maps_.erase(found);
}

uint64_t FakeKernel::create(uint32_t window, size_t size, uint32_t flags) {
  EXPECT_GT(size, 0u);
  EXPECT_EQ(size % kPageBytes, 0u);
  const auto address = windows_[window].find_gap(size, kWindowBegin, kWindowEnd);
  if (!address) return 0;
  const uint64_t key = next_key_++;
  Object& object = objects_[key];
  object.size = size;
  object.address = *address;
  object.window = window;
  object.flags = flags;
  // As left by others.
  object.memory.assign(size, std::byte{0xee});
  object.cached = object.written = object.memory;
  windows_[window].map(*address, object.memory);
  return key;
}

void FakeKernel::destroy(uint64_t key) {
  Object* const object = find(key);
  ASSERT_NE(object, nullptr) << "destroyed twice, or never created";
  EXPECT_EQ(object->n_maps, 0) << "destroyed while mapped";
  windows_[object->window].unmap(object->address);
  objects_.erase(key);
}

FakeKernel::Object* FakeKernel::find(uint64_t key) {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : &found->second;
}

}  // namespace wattle::rknpu::test
