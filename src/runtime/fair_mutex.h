// SPDX-License-Identifier: Apache-2.0
// A mutex that serves in order of arrival. With std::mutex a session that computes token after
// token takes the lock again before another one wakes up, and the other never gets its turn.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace wattle::runtime {

// For std::lock_guard.
class FairMutex {
 public:
  void lock() {
    std::unique_lock guard(mutex_);
    const uint64_t ticket = next_ticket_++;
    turn_.wait(guard, [&] { return ticket == now_serving_; });
  }
  void unlock() {
    {
      const std::lock_guard guard(mutex_);
      ++now_serving_;
    }
    turn_.notify_all();
  }

  // Threads inside lock().
  uint64_t n_waiting() {
    const std::lock_guard guard(mutex_);
    return next_ticket_ - now_serving_ - (next_ticket_ > now_serving_ ? 1 : 0);
  }

 private:
  std::mutex mutex_;
  std::condition_variable turn_;
  uint64_t next_ticket_ = 0;
  uint64_t now_serving_ = 0;
};

}  // namespace wattle::runtime
