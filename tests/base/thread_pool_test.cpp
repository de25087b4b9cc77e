// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

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

TEST(ThreadPool, PinnedPoolWorks) {
  ThreadPool pool(2, /*pin=*/true);
  std::atomic<size_t> n{0};
  pool.parallel_for(10, [&](size_t, size_t) { n.fetch_add(1); });
  EXPECT_EQ(n.load(), 10u);
}

}  // namespace
}  // namespace wattle
