// SPDX-License-Identifier: Apache-2.0
// Which matrices of a file would go to the NPU of a board, and what that is projected to cost, for
// `wattle show --placement`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "gguf/reader.h"
#include "wattle/engine.h"

namespace wattle::cli {

// The member "placement" of `wattle show --json`: for a board with 16 GB, of which 15 are used. Of
// the weights only the header is needed. Throws Error where this build cannot run the model.
nlohmann::ordered_json summarise_placement(const gguf::File& file, const NpuParams& npu);

std::string placement_text(const nlohmann::ordered_json& placement);

}  // namespace wattle::cli
