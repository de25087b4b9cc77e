// SPDX-License-Identifier: Apache-2.0
// Memory of Rockchip's kernel driver, seen by the NPU and by this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "backend/rknpu/driver/kernel.h"
#include "backend/rknpu/driver/vendor_abi.h"

namespace wattle::rknpu {

// An open node of the driver, as all of its requests need it.
struct VendorNode {
  Kernel& kernel;
  int fd;
  bool is_drm;       // else the misc device
  uint32_t version;  // 908 is 0.9.8

  bool has_domains() const noexcept { return version >= 906; }
  int request(abi::VendorRequest number, size_t bytes, void* argument) const;
};

// Allocated, mapped and zero; given back when destroyed. `node` outlives it.
class VendorMemory {
 public:
  // Whole pages. Throws as throw_refused does, and Error{unsupported} where the driver gives an
  // address that the NPU cannot reach.
  VendorMemory(const VendorNode& node, size_t size, uint32_t domain, uint32_t flags);
  ~VendorMemory();
  VendorMemory(const VendorMemory&) = delete;
  VendorMemory& operator=(const VendorMemory&) = delete;

  std::span<std::byte> bytes() const noexcept { return bytes_; }
  uint32_t address() const noexcept { return static_cast<uint32_t>(created_.dma_addr); }
  uint64_t object() const noexcept { return created_.obj_addr; }  // the driver's name for it

  // direction: kSyncToDevice or kSyncFromDevice. Whole cache lines. Throws NpuFault.
  void sync(uint32_t direction, size_t offset, size_t size) const;

 private:
  void map();
  void destroy() noexcept;

  const VendorNode& node_;
  abi::VendorMemCreate created_{};
  std::span<std::byte> bytes_;
};

}  // namespace wattle::rknpu
