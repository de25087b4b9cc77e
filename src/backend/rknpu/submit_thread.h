// SPDX-License-Identifier: Apache-2.0
// A thread that submits: a submit blocks until the NPU is done, and the processor has work
// meanwhile.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <span>
#include <thread>

#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

// Borrows the device. Used by one thread at a time. It sleeps but for the moments before and after
// a submit, so it takes no processor from those that compute. No signal is handled by it.
class SubmitThread {
 public:
  // Throws Error{out_of_memory} where the system gives no more threads.
  explicit SubmitThread(NpuDevice& device);
  ~SubmitThread();  // after what was started
  SubmitThread(const SubmitThread&) = delete;
  SubmitThread& operator=(const SubmitThread&) = delete;

  // One submit at a time: wait() comes before the next. The lists and what they name stay as they
  // are until then.
  void start(std::span<const NpuList> lists, std::chrono::milliseconds timeout);
  bool is_running() const noexcept { return is_running_.load(std::memory_order_acquire); }
  // Returns when nothing runs. Throws what the submit threw, once.
  void wait();

 private:
  void submit_what_comes();

  NpuDevice& device_;
  std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  std::span<const NpuList> lists_;
  std::chrono::milliseconds timeout_{};
  std::exception_ptr error_;
  bool stops_ = false;
  std::atomic<bool> is_running_ = false;  // written with the mutex held
  std::thread thread_;
};

}  // namespace wattle::rknpu
