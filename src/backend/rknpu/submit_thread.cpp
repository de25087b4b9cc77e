// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/submit_thread.h"

#include <signal.h>

#include <system_error>
#include <utility>

#include "base/assert.h"

namespace wattle::rknpu {
namespace {

// Of this thread, and of those that it starts meanwhile; but for what tells of a fault in them.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    ::sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS})
      ::sigdelset(&all, fault);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~NoSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

SubmitThread::SubmitThread(NpuDevice& device) : device_(device) {
  // One in the middle of a driver's request ends it, or has the kernel begin it anew: nobody could
  // say whether the job ran.
  const NoSignals in_thread;
  try {
    thread_ = std::thread([this] { submit_what_comes(); });
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::out_of_memory,
                "cannot start a thread for the NPU: " + error.code().message(),
                "raise the limit of threads (ulimit -u), or run on the CPU (--npu off)");
  }
}

SubmitThread::~SubmitThread() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SubmitThread::start(std::span<const NpuList> lists, std::chrono::milliseconds timeout) {
  WATTLE_ASSERT(!is_running());
  {
    const std::lock_guard lock(mutex_);
    lists_ = lists;
    timeout_ = timeout;
    is_running_ = true;
  }
  changed_.notify_all();
}

void SubmitThread::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !is_running_; });
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void SubmitThread::submit_what_comes() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return is_running_ || stops_; });
    if (!is_running_) return;
    lock.unlock();
    std::exception_ptr error;
    try {
      device_.submit(lists_, timeout_);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    error_ = error;
    is_running_.store(false, std::memory_order_release);
    changed_.notify_all();
  }
}

}  // namespace wattle::rknpu
