// SPDX-License-Identifier: Apache-2.0
// The NPU of a board through the kernel driver that it has.
#pragma once

#include <memory>

#include "backend/rknpu/driver/kernel.h"
#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

// The vendor's driver, else Linux's own: a kernel has one of them. Throws as open_vendor_npu and
// open_rocket_npu do; Error{unsupported} names both.
std::unique_ptr<NpuDevice> open_board_npu(
    std::shared_ptr<Kernel> kernel = std::make_shared<SystemKernel>());

}  // namespace wattle::rknpu
