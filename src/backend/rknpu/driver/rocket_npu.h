// SPDX-License-Identifier: Apache-2.0
// The NPU through Linux's own driver, rocket: 6.18 and newer.
// Not run on silicon: its requests are held to the published layouts by a kernel that tests make.
#pragma once

#include <memory>

#include "backend/rknpu/driver/kernel.h"
#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

// A domain is a descriptor of the node, opened with its first buffer; the kernel gives each job to
// a core that is free, and nobody can choose. It resets a core whose job takes longer than half a
// second and tells nobody (NpuInfo::tells_faults): only results that were not written show it.
// Throws Error{unsupported} where there is no such driver, Error{io} where this user may not open
// it, and NpuFault{owned}.
std::unique_ptr<NpuDevice> open_rocket_npu(
    std::shared_ptr<Kernel> kernel = std::make_shared<SystemKernel>());

}  // namespace wattle::rknpu
