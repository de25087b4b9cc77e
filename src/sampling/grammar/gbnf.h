// SPDX-License-Identifier: Apache-2.0
// GBNF, the notation for grammars that llama.cpp made known: `root ::= "yes" | "no"`.
#pragma once

#include <string_view>

#include "sampling/grammar/ast.h"

namespace wattle::grammar {

// Throws Error{bad_input} with line and column for what is no GBNF, names a rule that does not
// exist, or exceeds a limit; Error{unsupported} for token references (`<think>`, `<[1000]>`).
Grammar parse_gbnf(std::string_view text, const Limits& limits = {});

}  // namespace wattle::grammar
