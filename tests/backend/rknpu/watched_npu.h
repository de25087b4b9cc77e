// SPDX-License-Identifier: Apache-2.0
// A device that stands before another one, with something that happens in between.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

// Borrows the other one. What happens is set while nothing runs.
class WatchedNpu final : public NpuDevice {
 public:
  explicit WatchedNpu(NpuDevice& npu) : WatchedNpu(npu, npu.info()) {}
  // It says that it is as `info` has it.
  WatchedNpu(NpuDevice& npu, NpuInfo info) : NpuDevice(std::move(info)), npu_(npu) {}

  std::unique_ptr<NpuBuffer> allocate(size_t size, uint32_t domain) override {
    return std::make_unique<Buffer>(npu_.allocate(size, domain), *this);
  }
  size_t free_bytes(uint32_t domain) const override { return npu_.free_bytes(domain); }
  void submit(std::span<const NpuList> lists, std::chrono::milliseconds timeout) override {
    if (before_submit) before_submit();
    npu_.submit(lists, timeout);
  }
  void reset() override { npu_.reset(); }
  NpuUsage usage() const override { return npu_.usage(); }

  std::function<void()> before_submit{};  // in the thread that submits
  std::function<void(const NpuBuffer& synced)> after_to_device{};
  std::function<void(std::span<std::byte> synced)> after_from_device{};

 private:
  class Buffer final : public NpuBuffer {
   public:
    Buffer(std::unique_ptr<NpuBuffer> there, const WatchedNpu& npu)
        : NpuBuffer(there->bytes(), there->address(), there->domain()),
          there_(std::move(there)),
          npu_(npu) {}
    void to_device(size_t offset, size_t size) override {
      there_->to_device(offset, size);
      if (npu_.after_to_device) npu_.after_to_device(*this);
    }
    void from_device(size_t offset, size_t size) override {
      there_->from_device(offset, size);
      if (npu_.after_from_device) npu_.after_from_device(bytes().subspan(offset, size));
    }

   private:
    std::unique_ptr<NpuBuffer> there_;
    const WatchedNpu& npu_;
  };

  NpuDevice& npu_;
};

}  // namespace wattle::rknpu
