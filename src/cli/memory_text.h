// SPDX-License-Identifier: Apache-2.0
// The member "memory" of file_summary.h as a table.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace wattle::cli {

std::string memory_text(const nlohmann::ordered_json& memory);

}  // namespace wattle::cli
