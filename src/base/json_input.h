// SPDX-License-Identifier: Apache-2.0
// JSON from outside, checked while it is read.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace wattle {

using Json = nlohmann::ordered_json;  // keys keep their order: it reaches prompts and answers

// `what` names the text in errors: "--messages m.json". Throws Error{bad_input} with the position
// for text that is no JSON, is nested deeper than 100 levels, has more than 10,000 keys in one
// object, or holds an integer beyond 64 bits (which would reach the prompt as another number).
Json parse_json(std::string_view text, std::string_view what);

}  // namespace wattle
