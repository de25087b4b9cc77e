// SPDX-License-Identifier: Apache-2.0
// What all drivers of Linux's direct rendering manager have in common, as far as it is used here.
#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>

namespace wattle::rknpu::abi {

inline constexpr unsigned kDrmType = 'd';
inline constexpr unsigned kDrmDriverBase = 0x40;  // a driver's own requests begin here

// Names the driver behind a node. Strings are not terminated; sizes say how long they are.
struct DrmVersion {
  int32_t major;
  int32_t minor;
  int32_t patch;
  uint32_t padding;
  uint64_t name_size;  // room in, length out
  uint64_t name;       // address
  uint64_t date_size;
  uint64_t date;
  uint64_t description_size;
  uint64_t description;
};
static_assert(sizeof(DrmVersion) == 64);
static_assert(offsetof(DrmVersion, name_size) == 16);

struct DrmGemClose {
  uint32_t handle;
  uint32_t padding;
};
static_assert(sizeof(DrmGemClose) == 8);

inline constexpr unsigned long kDrmVersion = _IOWR(kDrmType, 0x00, DrmVersion);
inline constexpr unsigned long kDrmGemClose = _IOW(kDrmType, 0x09, DrmGemClose);

}  // namespace wattle::rknpu::abi
