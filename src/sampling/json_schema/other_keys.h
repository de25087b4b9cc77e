// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sampling/json_schema/rules.h"

namespace wattle::json_schema {

// GBNF of a JSON string that is none of `names`: the key of a member that is not described. Only
// what must be escaped is, or "\u006eame" would be another way to write "name". Throws
// Error{unsupported} for a name of more than 1,000 bytes.
std::string other_key(const std::vector<std::string>& names, Rules& rules);

}  // namespace wattle::json_schema
