// SPDX-License-Identifier: Apache-2.0
// What becomes of each keyword of JSON Schema.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json_input.h"

namespace wattle::json_schema {

// Describes, and allows or forbids nothing: "title", "default", "x-anything".
bool is_annotation(std::string_view key);

// Whether the schema has a keyword that allows or forbids something, not counting `but`.
bool constrains(const Json& schema, std::string_view but = {});

// Throws Error{unsupported} that names the keyword and its place unless each one is honoured or is
// an annotation, Error{bad_input} where the schema is neither an object nor a truth value.
void check_keywords(const Json& schema, const std::string& where);

// The types that the schema names, or those its keywords belong to; none: any.
std::vector<std::string> types_of(const Json& schema, const std::string& where);

}  // namespace wattle::json_schema
