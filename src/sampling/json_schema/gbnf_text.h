// SPDX-License-Identifier: Apache-2.0
// Pieces of GBNF as text.
#pragma once

#include <string>
#include <string_view>

#include "sampling/grammar/char_set.h"

namespace wattle::json_schema {

// The text as a GBNF literal, with its quotes. It is UTF-8.
std::string literal(std::string_view text);

// The set as a GBNF class: "[a-z]". It is not empty.
std::string char_class(const grammar::CharSet& chars);

// A character of the set as it stands within a JSON string: `"` as `\"` and so on. A character that
// need not be escaped is not. The set is not empty.
std::string json_char(const grammar::CharSet& chars);

// The text as it stands within a JSON string, as a GBNF literal.
std::string json_literal(std::string_view text);

}  // namespace wattle::json_schema
