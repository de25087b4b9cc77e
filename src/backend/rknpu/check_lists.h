// SPDX-License-Identifier: Apache-2.0
// What every device asks of a submit before anything of it runs.
#pragma once

#include <span>

#include "backend/rknpu/npu_device.h"

namespace wattle::rknpu {

// Throws Error{usage} where the lists are not what `info` allows.
void check_lists(const NpuInfo& info, std::span<const NpuList> lists);

}  // namespace wattle::rknpu
