// SPDX-License-Identifier: Apache-2.0
// The whole examination: machine, processor, memory, NPU, limits, heat. Start here.
#pragma once

#include <optional>

#include "base/cpu_features.h"
#include "doctor/file_tree.h"
#include "doctor/finding.h"
#include "doctor/memory.h"

namespace wattle::doctor {

struct Question {
  CpuFeatures cpu;
  Isa isa = Isa::scalar;  // the kernel set that models run with
  std::optional<ModelNeed> model = {};
};

// In the order in which they are told. Never throws for what the tree holds, only std::bad_alloc.
Findings examine(const FileTree& tree, const Question& question);

}  // namespace wattle::doctor
