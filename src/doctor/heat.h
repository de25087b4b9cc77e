// SPDX-License-Identifier: Apache-2.0
// Thermal zones: how hot it is, and whether that slows the machine down.
#pragma once

#include "doctor/file_tree.h"
#include "doctor/finding.h"

namespace wattle::doctor {

void examine_heat(const FileTree& tree, Findings& out);

}  // namespace wattle::doctor
