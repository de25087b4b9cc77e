// SPDX-License-Identifier: Apache-2.0
#include "runtime/fair_mutex.h"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>

namespace wattle::runtime {
namespace {

TEST(FairMutex, LetsOneInAtATime) {
  FairMutex mutex;
  int counter = 0;  // plain: a race would lose counts (and tsan would see it)
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const std::lock_guard guard(mutex);
        ++counter;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, 8000);
}

// Whoever waits comes next, even if the holder wants the lock again at once.
TEST(FairMutex, ServesInOrderOfArrival) {
  FairMutex mutex;
  std::vector<int> order;
  mutex.lock();
  std::thread other([&] {
    mutex.lock();
    order.push_back(2);
    mutex.unlock();
  });
  while (mutex.n_waiting() == 0) std::this_thread::yield();
  order.push_back(1);
  mutex.unlock();
  mutex.lock();
  order.push_back(3);
  mutex.unlock();
  other.join();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

}  // namespace
}  // namespace wattle::runtime
