// SPDX-License-Identifier: Apache-2.0
// Memory of Linux's rocket driver, seen by the NPU and by this process.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "backend/rknpu/driver/kernel.h"

namespace wattle::rknpu {

// Allocated, mapped and zero; given back when destroyed. `kernel` outlives it.
class RocketMemory {
 public:
  // Whole pages. Throws as throw_refused does, and Error{unsupported} where the driver gives an
  // address that the NPU cannot reach.
  RocketMemory(Kernel& kernel, int fd, size_t size);
  ~RocketMemory();
  RocketMemory(const RocketMemory&) = delete;
  RocketMemory& operator=(const RocketMemory&) = delete;

  std::span<std::byte> bytes() const noexcept { return bytes_; }
  uint32_t address() const noexcept { return address_; }
  uint32_t handle() const noexcept { return handle_; }

  // What the processor wrote, all of it, is now the NPU's. Throws NpuFault.
  void finish() const;
  // Waits for jobs that write it, then what they wrote is the processor's. false: not in time.
  bool prepare(std::chrono::nanoseconds timeout) const;

 private:
  void map(uint64_t address, uint64_t offset, size_t size);
  void destroy() noexcept;

  Kernel& kernel_;
  int fd_;
  uint32_t handle_ = 0;
  uint32_t address_ = 0;
  std::span<std::byte> bytes_;
};

}  // namespace wattle::rknpu
