// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace wattle::json_schema {

// GBNF of what may stand between the quotes of a JSON string that the regular expression matches.
// As in JavaScript it may match anywhere within unless ^ and $ say otherwise. Known are literals,
// escapes, . [..] groups | * + ? {m,n} (lazy or not, which makes no difference here) and the
// classes
// \d \w \s and their complements. `any_char` is the GBNF of any character of a JSON string.
// Throws Error{unsupported} for look-around, references, word boundaries and properties, and
// Error{bad_input} for what is no regular expression; `where` begins the message.
std::string pattern_to_gbnf(std::string_view pattern, std::string_view where,
                            std::string_view any_char);

}  // namespace wattle::json_schema
