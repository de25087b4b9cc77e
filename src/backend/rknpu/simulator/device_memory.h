// SPDX-License-Identifier: Apache-2.0
// What the simulated NPU sees of memory: buffers at addresses of 32 bits, as its IOMMU maps them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace wattle::rknpu {

inline constexpr size_t kPageBytes = 4096;  // of the IOMMU

// A copy sees the same bytes. Not synchronised.
class DeviceMemory {
 public:
  // Does not own the bytes, which must outlive it. Returns false where they overlap what is mapped
  // or end beyond 4 GiB.
  bool map(uint32_t address, std::span<std::byte> bytes);
  void unmap(uint32_t address) noexcept;

  // Whole pages below `end`, as high as possible: so the kernel's allocator does it, and sums of
  // addresses that do not fit 32 bits show. nullopt where there is no such gap from `begin` on.
  std::optional<uint32_t> find_gap(size_t size, uint64_t begin, uint64_t end) const noexcept;

  // The `size` bytes at `address`, all in one buffer; nullptr where they are not mapped.
  std::byte* find(uint64_t address, size_t size) const noexcept;

 private:
  friend class MemoryCursor;
  struct Mapping {
    uint64_t begin = 0;
    std::span<std::byte> bytes;

    std::byte* find(uint64_t address, size_t size) const noexcept {
      const uint64_t offset = address - begin;  // beyond the size where the address lies before
      return offset <= bytes.size() && size <= bytes.size() - offset ? bytes.data() + offset
                                                                     : nullptr;
    }
  };
  const Mapping* last_from(uint64_t address) const noexcept;

  std::vector<Mapping> mappings_;  // by address
};

// The same, for many addresses of which most lie in one buffer.
class MemoryCursor {
 public:
  explicit MemoryCursor(const DeviceMemory& memory) noexcept : memory_(memory) {}
  std::byte* find(uint64_t address, size_t size) noexcept {
    if (std::byte* bytes = last_.find(address, size)) return bytes;
    const auto* mapping = memory_.last_from(address);
    if (mapping == nullptr) return nullptr;
    last_ = *mapping;
    return last_.find(address, size);
  }

 private:
  const DeviceMemory& memory_;
  DeviceMemory::Mapping last_;
};

}  // namespace wattle::rknpu
