// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/driver/rocket_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "backend/rknpu/command_word.h"
#include "backend/rknpu/driver/refusal.h"
#include "backend/rknpu/driver/rocket_abi.h"
#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

constexpr size_t kPageBytes = 4096;

}  // namespace

RocketMemory::RocketMemory(Kernel& kernel, int fd, size_t size) : kernel_(kernel), fd_(fd) {
  const size_t whole = (size + kPageBytes - 1) / kPageBytes * kPageBytes;
  abi::RocketCreateBo create{};
  create.size = static_cast<uint32_t>(whole);
  if (retried_ioctl(kernel, fd, abi::kRocketCreateBo, &create) != 0) {
    throw_refused(fmt::format("rocket: no {} bytes", whole), errno);
  }
  handle_ = create.handle;
  try {
    map(create.dma_address, create.offset, whole);
    std::ranges::fill(bytes_, std::byte{0});
    finish();
  } catch (...) {
    destroy();
    throw;
  }
}

RocketMemory::~RocketMemory() { destroy(); }

void RocketMemory::map(uint64_t address, uint64_t offset, size_t size) {
  if (address % kPageBytes != 0 || address > kAddressEnd - size) {
    throw Error(
        ErrorCode::unsupported,
        fmt::format("rocket: a buffer of {} bytes lies at {:#x} for the NPU, expected whole "
                    "pages below 4 GiB",
                    size, address),
        "the NPU's commands hold addresses of 32 bits");
  }
  void* const mapped = kernel_.map(size, fd_, offset);
  if (mapped == nullptr) throw_refused("rocket: cannot map a buffer", errno);
  address_ = static_cast<uint32_t>(address);
  bytes_ = {static_cast<std::byte*>(mapped), size};
}

void RocketMemory::destroy() noexcept {
  if (!bytes_.empty()) kernel_.unmap(bytes_.data(), bytes_.size());
  abi::DrmGemClose close{.handle = handle_, .padding = 0};
  // Where the kernel refuses, it gives the memory back when the descriptor is closed.
  static_cast<void>(retried_ioctl(kernel_, fd_, abi::kDrmGemClose, &close));
}

void RocketMemory::finish() const {
  abi::RocketFiniBo fini{.handle = handle_, .reserved = 0};
  if (retried_ioctl(kernel_, fd_, abi::kRocketFiniBo, &fini) != 0) {
    throw_refused("rocket: cannot sync a buffer", errno);
  }
}

bool RocketMemory::prepare(std::chrono::nanoseconds timeout) const {
  using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC
  const auto until = (Clock::now() + timeout).time_since_epoch();
  abi::RocketPrepBo prep{
      .handle = handle_,
      .reserved = 0,
      .timeout_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(until).count()};
  if (retried_ioctl(kernel_, fd_, abi::kRocketPrepBo, &prep) == 0) return true;
  const int error = errno;
  if (error == ETIMEDOUT || error == EBUSY) return false;
  throw_refused("rocket: cannot wait for a buffer", error);
}

}  // namespace wattle::rknpu
