// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/driver/vendor_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "backend/rknpu/command_word.h"
#include "backend/rknpu/driver/refusal.h"
#include "wattle/error.h"

namespace wattle::rknpu {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr size_t kLineBytes = 64;  // of the processor's caches

}  // namespace

int VendorNode::request(abi::VendorRequest number, size_t bytes, void* argument) const {
  return retried_ioctl(kernel, fd, abi::vendor_request(is_drm, number, bytes), argument);
}

VendorMemory::VendorMemory(const VendorNode& node, size_t size, uint32_t domain, uint32_t flags)
    : node_(node) {
  created_.flags = flags;
  created_.size = (size + kPageBytes - 1) / kPageBytes * kPageBytes;
  created_.iommu_domain_id = static_cast<int32_t>(domain);
  const size_t request_bytes = node.has_domains() ? sizeof created_ : abi::kOldMemCreateBytes;
  if (node.request(abi::VendorRequest::mem_create, request_bytes, &created_) != 0) {
    throw_refused(fmt::format("rknpu: no {} bytes in domain {}", created_.size, domain), errno);
  }
  try {
    map();
    std::ranges::fill(bytes_, std::byte{0});
    sync(abi::kSyncToDevice, 0, bytes_.size());
  } catch (...) {
    destroy();
    throw;
  }
}

VendorMemory::~VendorMemory() { destroy(); }

void VendorMemory::map() {
  if (created_.dma_addr % kPageBytes != 0 || created_.dma_addr > kAddressEnd - created_.size) {
    throw Error(ErrorCode::unsupported,
                fmt::format("rknpu: a buffer of {} bytes lies at {:#x} for the NPU, expected whole "
                            "pages below 4 GiB",
                            created_.size, created_.dma_addr),
                "`wattle doctor` says whether the NPU has its IOMMU");
  }
  // The misc device's handle is a descriptor of its own, to be mapped from its start.
  int fd = static_cast<int>(created_.handle);
  uint64_t offset = 0;
  if (node_.is_drm) {
    abi::VendorMemMap where{.handle = created_.handle, .reserved = 0, .offset = 0};
    if (node_.request(abi::VendorRequest::mem_map, sizeof where, &where) != 0) {
      throw_refused("rknpu: cannot map a buffer", errno);
    }
    fd = node_.fd;
    offset = where.offset;
  }
  void* const address = node_.kernel.map(created_.size, fd, offset);
  if (address == nullptr) throw_refused("rknpu: cannot map a buffer", errno);
  bytes_ = {static_cast<std::byte*>(address), static_cast<size_t>(created_.size)};
}

void VendorMemory::destroy() noexcept {
  if (!bytes_.empty()) node_.kernel.unmap(bytes_.data(), bytes_.size());
  abi::VendorMemDestroy destroy{
      .handle = created_.handle, .reserved = 0, .obj_addr = created_.obj_addr};
  // Where the kernel refuses, it gives the memory back when the process ends.
  static_cast<void>(node_.request(abi::VendorRequest::mem_destroy, sizeof destroy, &destroy));
  if (!node_.is_drm) node_.kernel.close(static_cast<int>(created_.handle));
}

void VendorMemory::sync(uint32_t direction, size_t offset, size_t size) const {
  if (size == 0) return;
  const size_t begin = offset / kLineBytes * kLineBytes;
  const size_t end =
      std::min((offset + size + kLineBytes - 1) / kLineBytes * kLineBytes, bytes_.size());
  abi::VendorMemSync sync{.flags = direction,
                          .reserved = 0,
                          .obj_addr = created_.obj_addr,
                          .offset = begin,
                          .size = end - begin};
  if (node_.request(abi::VendorRequest::mem_sync, sizeof sync, &sync) != 0) {
    throw_refused("rknpu: cannot sync a buffer", errno);
  }
}

}  // namespace wattle::rknpu
