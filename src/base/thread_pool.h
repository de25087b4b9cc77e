// SPDX-License-Identifier: Apache-2.0
// A fixed set of threads that share numbered chunks of work.
#pragma once

#include <cstddef>
#include <memory>

namespace wattle {

// Each thread has a part of the chunks of its own, neighbours in order, so that what fetches memory
// ahead of itself finds it in its own caches; who is done takes from the others' parts, so that big
// and little cores each do what they can. Which thread runs a chunk is unspecified: results must
// not depend on it. Workers spin for a fifth of a millisecond after a call and then sleep.
class ThreadPool {
 public:
  // n_threads counts the caller: 1 makes no thread. pin: thread i runs on the i-th allowed
  // processor only, fastest cores first where the kernel tells their capacity; the calling thread
  // stays on the first one afterwards. Throws Error{out_of_memory} where the system gives no more
  // threads.
  explicit ThreadPool(size_t n_threads, bool pin = false);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t size() const noexcept;

  // Calls fn(chunk, thread) for every chunk in [0, n_chunks) and returns when all are done; thread
  // is in [0, size()) and indexes per-thread scratch. fn must not throw. One caller at a time.
  template <class Fn>
  void parallel_for(size_t n_chunks, const Fn& fn) noexcept {
    run(
        n_chunks,
        [](const void* ctx, size_t chunk, size_t thread) {
          (*static_cast<const Fn*>(ctx))(chunk, thread);
        },
        &fn);
  }

 private:
  using Trampoline = void (*)(const void* ctx, size_t chunk, size_t thread);
  void run(size_t n_chunks, Trampoline fn, const void* ctx) noexcept;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Processors this process may use, by scheduler affinity.
size_t available_processors() noexcept;

}  // namespace wattle
