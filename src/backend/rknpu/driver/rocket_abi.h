// SPDX-License-Identifier: Apache-2.0
// The requests of Linux's own driver, rocket, from 6.18 on.
#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>

#include "backend/rknpu/driver/drm_abi.h"

namespace wattle::rknpu::abi {

struct RocketCreateBo {
  uint32_t size;
  uint32_t handle;       // out
  uint64_t dma_address;  // out
  uint64_t offset;       // out, for mmap
};
static_assert(sizeof(RocketCreateBo) == 24);
static_assert(offsetof(RocketCreateBo, dma_address) == 8);

struct RocketTask {
  uint32_t regcmd;        // address of the commands
  uint32_t regcmd_count;  // words
};
static_assert(sizeof(RocketTask) == 8);

struct RocketJob {
  uint64_t tasks;  // addresses of arrays
  uint64_t in_bo_handles;
  uint64_t out_bo_handles;
  uint32_t task_count;
  uint32_t task_struct_size;
  uint32_t in_bo_handle_count;
  uint32_t out_bo_handle_count;
};
static_assert(sizeof(RocketJob) == 40);
static_assert(offsetof(RocketJob, task_count) == 24);

struct RocketSubmit {
  uint64_t jobs;  // address of an array
  uint32_t job_count;
  uint32_t job_struct_size;
  uint64_t reserved;
};
static_assert(sizeof(RocketSubmit) == 24);

struct RocketPrepBo {
  uint32_t handle;
  uint32_t reserved;
  int64_t timeout_ns;  // a time of CLOCK_MONOTONIC
};
static_assert(sizeof(RocketPrepBo) == 16);
static_assert(offsetof(RocketPrepBo, timeout_ns) == 8);

struct RocketFiniBo {
  uint32_t handle;
  uint32_t reserved;
};
static_assert(sizeof(RocketFiniBo) == 8);

inline constexpr unsigned long kRocketCreateBo =
    _IOWR(kDrmType, kDrmDriverBase + 0, RocketCreateBo);
inline constexpr unsigned long kRocketSubmit = _IOW(kDrmType, kDrmDriverBase + 1, RocketSubmit);
inline constexpr unsigned long kRocketPrepBo = _IOW(kDrmType, kDrmDriverBase + 2, RocketPrepBo);
inline constexpr unsigned long kRocketFiniBo = _IOW(kDrmType, kDrmDriverBase + 3, RocketFiniBo);

}  // namespace wattle::rknpu::abi
