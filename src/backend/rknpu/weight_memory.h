// SPDX-License-Identifier: Apache-2.0
// Where packed weights lie: a few large buffers, as drivers want them, filled one after the other.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

struct WeightPlace {
  NpuBuffer* buffer = nullptr;
  size_t offset = 0;  // a multiple of 64
  size_t size = 0;

  std::span<std::byte> bytes() const noexcept { return buffer->bytes().subspan(offset, size); }
  uint32_t address() const noexcept { return buffer->address() + static_cast<uint32_t>(offset); }
};

// Of one domain; borrows the device.
class WeightMemory {
 public:
  WeightMemory(NpuDevice& device, uint32_t domain) : device_(device), domain_(domain) {}

  bool has_room(size_t size) const;
  // size > 0. Throws as NpuDevice::allocate does.
  WeightPlace take(size_t size);
  // What was taken last is free again.
  void give_back(const WeightPlace& last) noexcept { used_ = last.offset; }

 private:
  size_t left_in_buffer() const noexcept {
    return buffers_.empty() ? 0 : buffers_.back()->bytes().size() - used_;
  }

  NpuDevice& device_;
  uint32_t domain_;
  std::vector<std::unique_ptr<NpuBuffer>> buffers_;  // the last one is being filled
  size_t used_ = 0;                                  // of the last one
};

}  // namespace wattle::rknpu
