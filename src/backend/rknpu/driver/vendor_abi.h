// SPDX-License-Identifier: Apache-2.0
// The requests of Rockchip's kernel driver, rknpu 0.8.0 to 0.9.8, as docs/npu.md lists them.
#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>

#include "backend/rknpu/driver/drm_abi.h"

namespace wattle::rknpu::abi {

struct VendorAction {
  uint32_t action;  // VendorActionNumber
  uint32_t value;   // in or out
};
static_assert(sizeof(VendorAction) == 8);

enum class VendorActionNumber : uint32_t {
  hardware_version = 0,
  driver_version = 1,
  reset = 6,
  iommu_enabled = 18,
  power_on = 20,
  power_off = 21,
};

struct VendorSubcore {
  uint32_t start;  // index of a descriptor
  uint32_t number;
};

struct VendorSubmit {
  uint32_t flags;
  uint32_t timeout_ms;
  uint32_t task_start;
  uint32_t task_number;
  uint32_t task_counter;  // out
  int32_t priority;
  uint64_t task_obj_addr;
  uint32_t iommu_domain_id;  // these two: regcfg_obj_addr before 0.9.6, of which zero is right
  uint32_t reserved;
  uint64_t task_base_addr;
  int64_t hw_elapse_time;  // out; user_data before 0.9.6
  uint32_t core_mask;
  int32_t fence_fd;
  VendorSubcore subcore_task[5];
};
static_assert(sizeof(VendorSubmit) == 104);
static_assert(offsetof(VendorSubmit, task_obj_addr) == 24);
static_assert(offsetof(VendorSubmit, task_base_addr) == 40);
static_assert(offsetof(VendorSubmit, core_mask) == 56);
static_assert(offsetof(VendorSubmit, subcore_task) == 64);

struct VendorMemCreate {
  uint32_t handle;  // out
  uint32_t flags;
  uint64_t size;
  uint64_t obj_addr;  // out
  uint64_t dma_addr;  // out
  uint64_t sram_size;
  int32_t iommu_domain_id;  // from here on since 0.9.6
  uint32_t core_mask;
};
static_assert(sizeof(VendorMemCreate) == 48);
static_assert(offsetof(VendorMemCreate, dma_addr) == 24);
static_assert(offsetof(VendorMemCreate, iommu_domain_id) == 40);
inline constexpr size_t kOldMemCreateBytes = offsetof(VendorMemCreate, iommu_domain_id);

struct VendorMemMap {
  uint32_t handle;
  uint32_t reserved;
  uint64_t offset;  // out, for mmap
};
static_assert(sizeof(VendorMemMap) == 16);

struct VendorMemDestroy {
  uint32_t handle;
  uint32_t reserved;
  uint64_t obj_addr;
};
static_assert(sizeof(VendorMemDestroy) == 16);

struct VendorMemSync {
  uint32_t flags;
  uint32_t reserved;
  uint64_t obj_addr;
  uint64_t offset;
  uint64_t size;
};
static_assert(sizeof(VendorMemSync) == 32);

enum class VendorRequest : unsigned { action, submit, mem_create, mem_map, mem_destroy, mem_sync };

// Nodes of DRM and the misc device number them differently.
constexpr unsigned long vendor_request(bool is_drm, VendorRequest request, size_t bytes) {
  const auto number = static_cast<unsigned>(request);
  return is_drm ? _IOC(_IOC_READ | _IOC_WRITE, kDrmType, kDrmDriverBase + number, bytes)
                : _IOC(_IOC_READ | _IOC_WRITE, 'r', number, bytes);
}

// Memory flags.
inline constexpr uint32_t kNonContiguous = 1u << 0;  // contiguous memory runs out after little
inline constexpr uint32_t kCacheable = 1u << 1;
inline constexpr uint32_t kKernelMapping = 1u << 3;  // for task descriptors, which the driver reads
inline constexpr uint32_t kLimitAlignment = 1u << 10;  // since 0.9.7

inline constexpr uint32_t kSyncToDevice = 1;
inline constexpr uint32_t kSyncFromDevice = 2;

// Job flags.
inline constexpr uint32_t kJobPc = 1u << 0;
inline constexpr uint32_t kJobPingPong = 1u << 2;

}  // namespace wattle::rknpu::abi
