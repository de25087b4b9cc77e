// SPDX-License-Identifier: Apache-2.0
// Where packed weights lie: a few large buffers, as drivers want them, filled one after the other.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

struct WeightPlace {
  NpuBuffer* buffer = nullptr;  // none where the size is 0
  size_t offset = 0;            // a multiple of 64
  size_t size = 0;

  std::span<std::byte> bytes() const noexcept { return buffer->bytes().subspan(offset, size); }
  uint32_t address() const noexcept { return buffer->address() + static_cast<uint32_t>(offset); }
};

// Of one set of domains; borrows the device.
class WeightMemory {
 public:
  WeightMemory(NpuDevice& device, uint32_t set);

  // sizes: bytes in each domain of the set. What has room may still be refused by take.
  bool has_room(std::span<const size_t> sizes) const;
  // A place in each domain. Throws as NpuDevice::allocate does, and then has taken nothing.
  std::vector<WeightPlace> take(std::span<const size_t> sizes);
  // What was taken last is free again.
  void give_back(std::span<const WeightPlace> last) noexcept;

 private:
  struct OfDomain {
    uint32_t domain = 0;
    std::vector<std::unique_ptr<NpuBuffer>> buffers{};  // the last one is being filled
    size_t used = 0;                                    // of the last one

    size_t left() const noexcept {
      return buffers.empty() ? 0 : buffers.back()->bytes().size() - used;
    }
  };
  WeightPlace take_in(OfDomain& there, size_t size);

  NpuDevice& device_;
  std::vector<OfDomain> domains_;
};

}  // namespace wattle::rknpu
