// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/submit_thread.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>

namespace wattle::rknpu {
namespace {

std::atomic<int> n_signals = 0;  // a handler has no other way to what it may count

// Whose requests a signal comes in the middle of.
class InterruptedNpu final : public NpuDevice {
 public:
  InterruptedNpu() : NpuDevice({}) {}
  std::unique_ptr<NpuBuffer> allocate(size_t, uint32_t) override { return nullptr; }
  size_t free_bytes(uint32_t) const override { return 0; }
  void submit(std::span<const NpuList>, std::chrono::milliseconds) override {
    ::raise(SIGUSR1);  // to this thread: a handler runs before it returns
    ++n_submits;
  }
  void reset() override {}
  NpuUsage usage() const override { return {}; }

  int n_submits = 0;
};

// The kernel would end the request, or begin it anew, and nobody knows whether the job ran.
TEST(SubmitThread, NoSignalComesInTheMiddleOfARequest) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) { ++n_signals; };
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  InterruptedNpu npu;
  {
    SubmitThread submits(npu);
    submits.start({}, std::chrono::milliseconds(1));
    submits.wait();
  }
  EXPECT_EQ(npu.n_submits, 1);
  EXPECT_EQ(n_signals, 0);
  ::raise(SIGUSR1);
  EXPECT_EQ(n_signals, 1) << "the thread that starts it gets its own";
  ::sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace wattle::rknpu
