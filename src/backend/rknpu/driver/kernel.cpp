// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/driver/kernel.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace wattle::rknpu {

int SystemKernel::open(const std::string& path) { return ::open(path.c_str(), O_RDWR | O_CLOEXEC); }

int SystemKernel::close(int fd) { return ::close(fd); }

int SystemKernel::ioctl(int fd, unsigned long request, void* argument) {
  return ::ioctl(fd, request, argument);
}

int SystemKernel::flock(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB); }

void* SystemKernel::map(size_t size, int fd, uint64_t offset) {
  void* const address =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
  return address == MAP_FAILED ? nullptr : address;
}

void SystemKernel::unmap(void* address, size_t size) { ::munmap(address, size); }

int retried_ioctl(Kernel& kernel, int fd, unsigned long request, void* argument) {
  for (;;) {
    const int result = kernel.ioctl(fd, request, argument);
    if (result != -1 || (errno != EINTR && errno != EAGAIN)) return result;
  }
}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    kernel_ = other.kernel_;
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

}  // namespace wattle::rknpu
