// SPDX-License-Identifier: Apache-2.0
// Whether the NPU can be used, and what keeps it from it.
#pragma once

#include "doctor/file_tree.h"
#include "doctor/finding.h"
#include "doctor/machine.h"
#include "doctor/npu_survey.h"

namespace wattle::doctor {

void examine_npu(const FileTree& tree, const Machine& machine, const NpuSurvey& survey,
                 Findings& out);

}  // namespace wattle::doctor
