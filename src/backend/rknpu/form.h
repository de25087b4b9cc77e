// SPDX-License-Identifier: Apache-2.0
// The kernel drivers there are for the NPU want the same work in two forms.
#pragma once

namespace wattle::rknpu {

enum class Form {
  vendor,  // rknpu: tasks are chained, each names the next one's commands
  rocket,  // mainline: the kernel starts each task by itself
};

}  // namespace wattle::rknpu
