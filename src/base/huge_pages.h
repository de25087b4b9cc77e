// SPDX-License-Identifier: Apache-2.0
// Memory in pages as large as the system gives. With pages of 4 KiB a virtual machine reads weights
// at half the speed, all of it lost in page walks; the page cache of a model file lies in between.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <new>

namespace wattle {

class HugePages {
 public:
  explicit HugePages(size_t size) : size_(size) {
    void* p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    static_cast<void>(::madvise(p, size, MADV_HUGEPAGE));  // a wish
    std::memset(p, 0, size);
    data_ = static_cast<std::byte*>(p);
  }
  ~HugePages() { ::munmap(data_, size_); }
  HugePages(const HugePages&) = delete;
  HugePages& operator=(const HugePages&) = delete;

  std::byte* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_;
};

}  // namespace wattle
