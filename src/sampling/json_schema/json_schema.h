// SPDX-License-Identifier: Apache-2.0
// JSON Schema to a grammar. docs/grammar.md lists the keywords.
#pragma once

#include <string>
#include <string_view>

namespace wattle::json_schema {

// The schema as GBNF. Every text that fits the grammar is JSON that fits the schema, but not the
// other way round: properties come in the order of the schema, numbers have so many digits at most,
// white space is little.
// Throws Error{bad_input} for what is no schema and for one that nothing fits, Error{unsupported}
// for a keyword that cannot be honoured; each with the JSON pointer of the place.
std::string to_gbnf(std::string_view schema);

}  // namespace wattle::json_schema
