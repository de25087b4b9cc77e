// SPDX-License-Identifier: Apache-2.0
// Whether the processor does what it can.
#pragma once

#include "base/cpu_features.h"
#include "doctor/file_tree.h"
#include "doctor/finding.h"

namespace wattle::doctor {

// chosen: the kernel set that models run with here.
void examine_kernel_set(const CpuFeatures& cpu, Isa chosen, Findings& out);

// Governors and limits of the clock, huge pages.
void examine_processor(const FileTree& tree, Findings& out);

}  // namespace wattle::doctor
