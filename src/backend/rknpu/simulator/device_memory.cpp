// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/simulator/device_memory.h"

#include <algorithm>

#include "backend/rknpu/command_word.h"

namespace wattle::rknpu {

bool DeviceMemory::map(uint32_t address, std::span<std::byte> bytes) {
  const uint64_t end = uint64_t{address} + bytes.size();
  if (bytes.empty() || end > kAddressEnd) return false;
  const auto next = std::ranges::lower_bound(mappings_, address, {}, &Mapping::begin);
  if (next != mappings_.end() && next->begin < end) return false;
  if (next != mappings_.begin()) {
    const Mapping& before = *(next - 1);
    if (before.begin + before.bytes.size() > address) return false;
  }
  mappings_.insert(next, {address, bytes});
  return true;
}

void DeviceMemory::unmap(uint32_t address) noexcept {
  std::erase_if(mappings_, [&](const Mapping& mapping) { return mapping.begin == address; });
}

std::optional<uint32_t> DeviceMemory::find_gap(size_t size, uint64_t begin,
                                               uint64_t end) const noexcept {
  uint64_t top = end;
  for (size_t i = mappings_.size() + 1; i-- > 0;) {
    const bool is_lowest = i == 0;
    const uint64_t bottom =
        is_lowest ? begin : mappings_[i - 1].begin + mappings_[i - 1].bytes.size();
    if (top >= bottom && top - bottom >= size) {
      const uint64_t address = (top - size) / kPageBytes * kPageBytes;
      if (address >= bottom) return static_cast<uint32_t>(address);
    }
    if (!is_lowest) top = mappings_[i - 1].begin;
  }
  return std::nullopt;
}

const DeviceMemory::Mapping* DeviceMemory::last_from(uint64_t address) const noexcept {
  const auto next = std::ranges::upper_bound(mappings_, address, {}, &Mapping::begin);
  return next == mappings_.begin() ? nullptr : &*(next - 1);
}

std::byte* DeviceMemory::find(uint64_t address, size_t size) const noexcept {
  const Mapping* mapping = last_from(address);
  return mapping == nullptr ? nullptr : mapping->find(address, size);
}

}  // namespace wattle::rknpu
