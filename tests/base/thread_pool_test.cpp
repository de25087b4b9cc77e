// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "wattle/error.h"

namespace wattle {
namespace {

TEST(ThreadPool, RunsEveryChunkOnce) {
  for (const size_t n_threads : {1, 2, 3, 8}) {
    ThreadPool pool(n_threads);
    EXPECT_EQ(pool.size(), n_threads);
    for (size_t n_chunks = 0; n_chunks < 40; ++n_chunks) {
      std::vector<std::atomic<int>> seen(n_chunks);
      pool.parallel_for(n_chunks, [&](size_t chunk, size_t thread) {
        EXPECT_LT(thread, n_threads);
        seen[chunk].fetch_add(1);
      });
      for (const auto& count : seen) EXPECT_EQ(count.load(), 1);
    }
  }
}

TEST(ThreadPool, WakesSleepingWorkers) {
  ThreadPool pool(4);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // longer than the spin
    std::atomic<size_t> sum{0};
    pool.parallel_for(1000, [&](size_t chunk, size_t) { sum += chunk; });
    EXPECT_EQ(sum.load(), 499500u);
  }
}

TEST(ThreadPool, ManyShortJobsInARow) {
  ThreadPool pool(3);
  std::atomic<size_t> n{0};
  for (int job = 0; job < 20000; ++job)
    pool.parallel_for(3, [&](size_t, size_t) { n.fetch_add(1); });
  EXPECT_EQ(n.load(), 60000u);
}

TEST(ThreadPool, TheChunksOfASlowThreadAreDoneByOthers) {
  ThreadPool pool(3);
  constexpr size_t kChunks = 30;
  std::atomic<size_t> n_done{0};
  pool.parallel_for(kChunks, [&](size_t chunk, size_t) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (chunk == 0 && n_done.load() < kChunks - 1) {
      if (std::chrono::steady_clock::now() > deadline) break;
      std::this_thread::yield();
    }
    if (chunk == 0) EXPECT_EQ(n_done.load(), kChunks - 1);
    n_done.fetch_add(1);
  });
}

TEST(ThreadPool, PinnedPoolWorks) {
  ThreadPool pool(2, /*pin=*/true);
  std::atomic<size_t> n{0};
  pool.parallel_for(10, [&](size_t, size_t) { n.fetch_add(1); });
  EXPECT_EQ(n.load(), 10u);
}

#ifndef WATTLE_SANITIZED  // sanitizers need the address space
TEST(ThreadPoolDeathTest, ThreadsThatCannotBeStartedAreAnError) {
  constexpr int kNoLimit = 3;  // qemu's emulation of a process takes none
  const auto start_too_many = [] {
    ::alarm(60);  // what was started must be stopped, not waited for
    const rlimit address_space{size_t{512} << 20, size_t{512} << 20};  // stacks of some 60 threads
    ::setrlimit(RLIMIT_AS, &address_space);
    rlimit taken{};
    ::getrlimit(RLIMIT_AS, &taken);
    if (taken.rlim_cur != address_space.rlim_cur) ::_exit(kNoLimit);
    try {
      const ThreadPool pool(1000);
    } catch (const Error& error) {
      ::_exit(error.code() == ErrorCode::out_of_memory ? 0 : 1);
    }
    ::_exit(2);
  };
  int code = -1;
  const auto ended_as_it_may = [&](int status) {
    code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return code == 0 || code == kNoLimit;
  };
  EXPECT_EXIT(start_too_many(), ended_as_it_may, "");
  if (code == kNoLimit) GTEST_SKIP() << "memory cannot be limited here";
}
#endif

}  // namespace
}  // namespace wattle
