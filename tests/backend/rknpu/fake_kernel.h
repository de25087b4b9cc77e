// SPDX-License-Identifier: Apache-2.0
// A kernel with an NPU driver in it: takes requests apart byte by byte, holds memory, and runs jobs
// on the simulator's cores. It knows the layouts from the table of docs/npu.md, at offsets of its
// own, not from the structs that the drivers use. What is not as the table says fails the test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backend/rknpu/driver/kernel.h"
#include "backend/rknpu/simulator/core.h"
#include "backend/rknpu/simulator/device_memory.h"

namespace wattle::rknpu::test {

// The argument of a request.
class RequestBytes {
 public:
  explicit RequestBytes(void* bytes) : bytes_(static_cast<std::byte*>(bytes)) {}
  template <class T>
  T get(size_t offset) const {
    T value;
    std::memcpy(&value, bytes_ + offset, sizeof value);
    return value;
  }
  uint32_t u32(size_t offset) const { return get<uint32_t>(offset); }
  uint64_t u64(size_t offset) const { return get<uint64_t>(offset); }
  template <class T>
  void set(size_t offset, T value) {
    std::memcpy(bytes_ + offset, &value, sizeof value);
  }

 private:
  std::byte* bytes_;
};

// _IOC as the kernel counts it.
constexpr unsigned long request_number(unsigned direction, char type, unsigned number,
                                       unsigned bytes) {
  return direction << 30 | bytes << 16 | static_cast<unsigned>(type) << 8 | number;
}
inline constexpr unsigned kWrite = 1;
inline constexpr unsigned kReadWrite = 3;

struct FakeNode {
  std::string path;
  std::string driver;  // as DRM names it; empty: none of DRM
};

class FakeKernel : public Kernel {
 public:
  FakeKernel(std::vector<FakeNode> nodes, int version_minor, int version_patch);
  ~FakeKernel() override;

  // Asked before each call, with its name ("open", "mem_create"...) and, of open, the path: an
  // errno to refuse it with, or 0.
  std::function<int(std::string_view call, const std::string& path)> refuse;
  // Jobs from now on never run.
  bool hangs = false;
  // Another process has the lock.
  bool is_owned = false;

  std::vector<std::string> calls;  // by name, in order

  // Whether everything that was opened, allocated and mapped was given back.
  bool is_clean() const;

  int open(const std::string& path) override;
  int close(int fd) override;
  int ioctl(int fd, unsigned long request, void* argument) override;
  int flock(int fd) override;
  void* map(size_t size, int fd, uint64_t offset) override;
  void unmap(void* address, size_t size) override;

 protected:
  // Bytes as the processor's caches hold them, and as they lie in memory.
  struct Object {
    size_t size = 0;
    uint32_t address = 0;
    uint32_t window = 0;  // which address space
    uint32_t flags = 0;
    std::vector<std::byte> cached;   // what is mapped
    std::vector<std::byte> written;  // `cached` when it last went to memory or came from it
    std::vector<std::byte> memory;
    int n_maps = 0;

    void clean(size_t offset, size_t bytes);       // what the processor changed goes to memory
    void invalidate(size_t offset, size_t bytes);  // what it changed is lost
  };

  // Returns an errno; 0: done.
  virtual int request(int fd, unsigned long request, RequestBytes bytes) = 0;
  // The object and offset that map() of a descriptor means; its key, or 0.
  virtual uint64_t mapped_object(int fd, uint64_t offset) = 0;

  // The key of a new object, or 0 where the window is full. Keys begin at `first_key_`.
  uint64_t create(uint32_t window, size_t size, uint32_t flags);
  void destroy(uint64_t key);
  Object* find(uint64_t key);
  int asked(const std::string& call, const std::string& path = {});

  struct File {
    std::string path;
    std::string driver;
    bool has_lock = false;
  };
  std::map<int, File> files_;
  std::map<uint64_t, Object> objects_;
  std::map<uint32_t, DeviceMemory> windows_;
  Core cores_[3];
  int next_fd_ = 100;

 private:
  int drm_version(const File& file, RequestBytes bytes);
  const std::vector<FakeNode> nodes_;
  const int minor_;
  const int patch_;
  uint64_t next_key_ = 1;
  std::map<void*, uint64_t> maps_;
  std::mutex mutex_;
};

// Rockchip's. version: 908 is 0.9.8.
class FakeVendorKernel final : public FakeKernel {
 public:
  enum class Node { drm, misc };
  explicit FakeVendorKernel(uint32_t version = 908, Node node = Node::drm);

  uint32_t hardware = 0x46495245;
  bool has_iommu = true;
  uint32_t n_domains = 16;
  uint64_t address_offset = 0;  // added to what is told of addresses

  // Of the last job.
  uint32_t core_mask = 0;
  uint32_t domain = 0;
  uint32_t timeout_ms = 0;
  bool holds_power = false;

 private:
  int request(int fd, unsigned long request, RequestBytes bytes) override;
  uint64_t mapped_object(int fd, uint64_t offset) override;
  int action(RequestBytes bytes);
  int mem_create(RequestBytes bytes);
  int mem_sync(RequestBytes bytes);
  int submit(RequestBytes bytes);
  std::vector<NpuTask> descriptors(const Object& object, uint32_t start, uint32_t number);

  const uint32_t version_;
  const bool is_drm_;
};

// Mainline's.
class FakeRocketKernel final : public FakeKernel {
 public:
  FakeRocketKernel();

  bool never_ends = false;  // a job does not end before a caller's timeout

  std::vector<uint32_t> job_windows;  // of all jobs: which descriptor, from 0 in order of opening

 private:
  int request(int fd, unsigned long request, RequestBytes bytes) override;
  uint64_t mapped_object(int fd, uint64_t offset) override;
  int create_bo(int fd, RequestBytes bytes);
  int submit(int fd, RequestBytes bytes);
  int run_job(int fd, RequestBytes job);
  bool owns(int fd, uint32_t handle);

  int next_core_ = 0;
};

}  // namespace wattle::rknpu::test
