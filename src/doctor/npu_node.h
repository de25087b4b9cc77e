// SPDX-License-Identifier: Apache-2.0
// Whether this user may open the NPU, and how many files.
#pragma once

#include "doctor/file_tree.h"
#include "doctor/finding.h"
#include "doctor/npu_survey.h"

namespace wattle::doctor {

// For a survey that has a driver.
void examine_npu_nodes(const FileTree& tree, const NpuSurvey& survey, Findings& out);

void examine_file_limit(const FileTree& tree, const NpuSurvey& survey, Findings& out);

}  // namespace wattle::doctor
