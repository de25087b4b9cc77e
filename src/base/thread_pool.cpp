// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "wattle/error.h"

namespace wattle {
namespace {

// How long a worker spins before it sleeps: longer than the gap between two operators of a step,
// shorter than anyone would notice on a power meter.
constexpr std::chrono::microseconds kSpin{200};

void cpu_relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

// Relative speed of a processor as Linux reports it on big.LITTLE chips; 0 where it does not.
unsigned capacity_of(int cpu) {
  std::ifstream in("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpu_capacity");
  unsigned value = 0;
  in >> value;
  return value;
}

std::vector<int> processors_fastest_first() {
  cpu_set_t set;
  std::vector<int> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  std::stable_sort(cpus.begin(), cpus.end(),
                   [](int a, int b) { return capacity_of(a) > capacity_of(b); });
  return cpus;
}

void pin_this_thread(int cpu) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);  // a refusal only costs speed
}

}  // namespace

// One job at a time. `job` counts the calls of run(): a worker that sees a new value joins that
// job, unless it comes too late. The caller never waits for a worker that has not joined (it may
// not even have a processor); it closes the job first and then waits for those inside. A worker
// counts itself in before it looks whether the job is open, so either the caller sees it or it sees
// the job closed.
struct ThreadPool::Impl {
  // A thread's share of the chunks, on a cache line of its own.
  struct alignas(64) Part {
    std::atomic<size_t> next_chunk{0};
  };

  std::vector<std::thread> workers;
  std::vector<Part> parts;  // one a thread, the caller's first
  alignas(64) std::atomic<uint64_t> job{0};
  alignas(64) std::atomic<size_t> n_inside{0};
  std::atomic<uint64_t> open_job{0};  // the value of `job` that may be joined; 0: none
  Trampoline fn = nullptr;
  const void* ctx = nullptr;
  size_t n_chunks = 0;
  std::atomic<size_t> n_sleeping{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::condition_variable wake;

  // Where a part begins, and the one before it ends.
  size_t begin_of(size_t part) const noexcept { return part * n_chunks / parts.size(); }

  // First the thread's own part, in order, and then what is left of the others'.
  void take_chunks(size_t thread) noexcept {
    for (size_t i = 0; i < parts.size(); ++i) {
      const size_t owner = (thread + i) % parts.size();
      const size_t end = begin_of(owner + 1);
      std::atomic<size_t>& next = parts[owner].next_chunk;
      for (size_t chunk = next.fetch_add(1, std::memory_order_relaxed); chunk < end;
           chunk = next.fetch_add(1, std::memory_order_relaxed)) {
        fn(ctx, chunk, thread);
      }
    }
  }

  // Spins, then sleeps, until `job` differs from `seen`. Returns the new value.
  uint64_t wait_for_job(uint64_t seen) {
    const auto deadline = std::chrono::steady_clock::now() + kSpin;
    for (unsigned i = 1;; ++i) {
      const uint64_t now = job.load(std::memory_order_acquire);
      if (now != seen) return now;
      cpu_relax();
      if (i % 64 == 0 && std::chrono::steady_clock::now() > deadline) break;
    }
    std::unique_lock lock(mutex);
    n_sleeping.fetch_add(1, std::memory_order_seq_cst);
    wake.wait(lock, [&] { return job.load(std::memory_order_seq_cst) != seen; });
    n_sleeping.fetch_sub(1, std::memory_order_relaxed);
    return job.load(std::memory_order_acquire);
  }

  void worker(size_t thread) {
    uint64_t seen = 0;
    for (;;) {
      seen = wait_for_job(seen);
      if (stop.load(std::memory_order_acquire)) return;
      n_inside.fetch_add(1, std::memory_order_seq_cst);
      if (open_job.load(std::memory_order_seq_cst) == seen) take_chunks(thread);
      n_inside.fetch_sub(1, std::memory_order_release);
    }
  }

  void publish_job() noexcept {
    const uint64_t next = job.load(std::memory_order_relaxed) + 1;
    open_job.store(next, std::memory_order_seq_cst);
    job.store(next, std::memory_order_seq_cst);
    if (n_sleeping.load(std::memory_order_seq_cst) != 0) {
      const std::lock_guard lock(mutex);
      wake.notify_all();
    }
  }

  void join_workers() noexcept {
    stop.store(true, std::memory_order_release);
    publish_job();
    for (std::thread& thread : workers) thread.join();
  }
};

ThreadPool::ThreadPool(size_t n_threads, bool pin) : impl_(std::make_unique<Impl>()) {
  const std::vector<int> cpus = pin ? processors_fastest_first() : std::vector<int>{};
  const auto pin_to = [cpus](size_t thread) {
    if (!cpus.empty()) pin_this_thread(cpus[thread % cpus.size()]);
  };
  pin_to(0);
  impl_->parts = std::vector<Impl::Part>(std::max<size_t>(1, n_threads));
  try {
    for (size_t thread = 1; thread < n_threads; ++thread) {
      impl_->workers.emplace_back([impl = impl_.get(), thread, pin_to] {
        pin_to(thread);
        impl->worker(thread);
      });
    }
  } catch (const std::system_error& error) {
    const size_t n_started = impl_->workers.size() + 1;
    impl_->join_workers();
    throw Error(ErrorCode::out_of_memory,
                fmt::format("cannot start thread {} of {}: {}", n_started + 1, n_threads,
                            error.code().message()),
                "use fewer threads (-t), or raise the limit (ulimit -u, ulimit -v)");
  } catch (...) {  // no memory for the next one
    impl_->join_workers();
    throw;
  }
}

ThreadPool::~ThreadPool() { impl_->join_workers(); }

size_t ThreadPool::size() const noexcept { return impl_->workers.size() + 1; }

void ThreadPool::run(size_t n_chunks, Trampoline fn, const void* ctx) noexcept {
  if (impl_->workers.empty() || n_chunks <= 1) {
    for (size_t chunk = 0; chunk < n_chunks; ++chunk) fn(ctx, chunk, 0);
    return;
  }
  impl_->fn = fn;
  impl_->ctx = ctx;
  impl_->n_chunks = n_chunks;
  for (size_t i = 0; i < size(); ++i) {
    impl_->parts[i].next_chunk.store(impl_->begin_of(i), std::memory_order_relaxed);
  }
  impl_->publish_job();
  impl_->take_chunks(0);
  impl_->open_job.store(0, std::memory_order_seq_cst);
  for (unsigned i = 1; impl_->n_inside.load(std::memory_order_seq_cst) != 0; ++i) {
    cpu_relax();
    // With more threads than processors the worker we wait for may need this one.
    if (i % 4096 == 0) std::this_thread::yield();
  }
}

size_t available_processors() noexcept {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace wattle
