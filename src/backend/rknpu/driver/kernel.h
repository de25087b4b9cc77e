// SPDX-License-Identifier: Apache-2.0
// The calls into the kernel that a driver makes: one door, so that tests stand in for a kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace wattle::rknpu {

// Each is the system call of its name: where the kernel refuses, -1 (of map: nullptr) and errno.
// From any thread.
class Kernel {
 public:
  virtual ~Kernel() = default;

  virtual int open(const std::string& path) = 0;  // to read and write, closed on exec
  virtual int close(int fd) = 0;
  virtual int ioctl(int fd, unsigned long request, void* argument) = 0;
  // Exclusive, not waiting: EWOULDBLOCK where another process has it. Ends with the descriptor.
  virtual int flock(int fd) = 0;
  virtual void* map(size_t size, int fd, uint64_t offset) = 0;  // shared, to read and write
  virtual void unmap(void* address, size_t size) = 0;
};

// The one that runs.
class SystemKernel final : public Kernel {
 public:
  int open(const std::string& path) override;
  int close(int fd) override;
  int ioctl(int fd, unsigned long request, void* argument) override;
  int flock(int fd) override;
  void* map(size_t size, int fd, uint64_t offset) override;
  void unmap(void* address, size_t size) override;
};

// Again where a signal came in between.
int retried_ioctl(Kernel& kernel, int fd, unsigned long request, void* argument);

// One descriptor, closed at the end. `kernel` outlives it.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  FileDescriptor(Kernel& kernel, int fd) noexcept : kernel_(&kernel), fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : kernel_(other.kernel_), fd_(other.fd_) {
    other.fd_ = -1;
  }
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;

  bool is_open() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }

 private:
  void reset() noexcept {
    if (fd_ >= 0) kernel_->close(fd_);
  }
  Kernel* kernel_ = nullptr;
  int fd_ = -1;
};

}  // namespace wattle::rknpu
