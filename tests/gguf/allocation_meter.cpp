// SPDX-License-Identifier: Apache-2.0
// In a file of its own: where the compiler sees that our operator delete is free(), it warns of
// mismatched pairs in every container it inlines.
#include "tests/gguf/allocation_meter.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#ifdef __has_feature
#define WATTLE_TSAN __has_feature(thread_sanitizer)
#else
#define WATTLE_TSAN 0
#endif
#if WATTLE_TSAN
#include <sanitizer/allocator_interface.h>
#endif

namespace {
size_t largest = 0;
}

namespace wattle::test {

void reset_largest_allocation() noexcept { largest = 0; }
size_t largest_allocation() noexcept { return largest; }

}  // namespace wattle::test

#if WATTLE_TSAN

// clang's thread sanitizer brings an operator new that a program cannot replace, and tells whoever
// asks what it gives out.
[[maybe_unused]] static const int installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, size_t size) { largest = std::max(largest, size); },
    [](const volatile void*) {});

#else

void* operator new(size_t size, const std::nothrow_t&) noexcept {
  largest = std::max(largest, size);
  return std::malloc(size != 0 ? size : 1);
}
void* operator new(size_t size) {
  void* memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

#endif
