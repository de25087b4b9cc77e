// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sampling/grammar/ast.h"
#include "sampling/grammar/network.h"

namespace wattle::grammar {

// Throws Error{bad_input} where a rule can call itself before it has taken a byte, naming the rules
// in between. Without that, whoever follows the calls from any state comes to an end.
void refuse_left_recursion(const Grammar& grammar, const Network& net);

}  // namespace wattle::grammar
