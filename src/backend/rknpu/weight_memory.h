// SPDX-License-Identifier: Apache-2.0
// Where packed weights lie: not too many buffers, as drivers want them, and none with much room to
// spare. Large matrices have one of their own, the others share some that are filled one after the
// other.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

inline constexpr size_t kSharedWeightBytes = size_t{32} << 20;  // of a buffer for small matrices
inline constexpr size_t kOwnWeightBytes = size_t{4} << 20;      // from here on a matrix has its own

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
    std::vector<std::unique_ptr<NpuBuffer>> own{};
    std::vector<std::unique_ptr<NpuBuffer>> shared{};  // the last one is being filled
    size_t used = 0;                                   // of the last one

    size_t left() const noexcept {
      return shared.empty() ? 0 : shared.back()->bytes().size() - used;
    }
  };
  WeightPlace take_in(OfDomain& there, size_t size);

  NpuDevice& device_;
  std::vector<OfDomain> domains_;
};

}  // namespace wattle::rknpu
