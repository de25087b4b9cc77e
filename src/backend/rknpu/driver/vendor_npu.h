// SPDX-License-Identifier: Apache-2.0
// The NPU through Rockchip's kernel driver: rknpu 0.8.0 to 0.9.x, kernels 5.10 and 6.1.
// Not run on silicon: its requests are held to the published layouts by a kernel that tests make.
#pragma once

#include <memory>

#include "backend/rknpu/driver/kernel.h"
#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

// Card nodes of DRM first: jobs on a render node are reported to be taken and never run. Sixteen
// domains from 0.9.8 on where the kernel is built for more than one, else one.
// Throws Error{unsupported} where there is no such driver, its version is not known or the NPU is
// another one, Error{io} where this user may not open it, and NpuFault{owned}.
std::unique_ptr<NpuDevice> open_vendor_npu(
    std::shared_ptr<Kernel> kernel = std::make_shared<SystemKernel>());

}  // namespace wattle::rknpu
