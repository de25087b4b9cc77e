// SPDX-License-Identifier: Apache-2.0
// Several schemas that must hold at once, as one.
#pragma once

#include <string>

#include "base/json_input.h"

namespace wattle::json_schema {

// A schema that allows what both allow; both are objects, without $ref and allOf of their own.
// Throws Error{unsupported} at `where` for two different values of a keyword that cannot be made
// one, and Error{bad_input} where nothing is allowed by both.
Json merge(Json a, const Json& b, const std::string& where);

}  // namespace wattle::json_schema
