// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/json_input.h"
#include "sampling/json_schema/rules.h"

namespace wattle::json_schema {

// GBNF of the strings that `schema` allows by pattern, format, minLength and maxLength.
std::string string_type(const Json& schema, const std::string& where, Rules& rules);

}  // namespace wattle::json_schema
