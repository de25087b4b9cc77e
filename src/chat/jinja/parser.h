// SPDX-License-Identifier: Apache-2.0
// Template text to syntax tree.
#pragma once

#include <string_view>

#include "chat/jinja/ast.h"
#include "chat/jinja/limits.h"

namespace wattle::chat::jinja {

// Throws Error{bad_input} with the line and what was expected. An unknown filter or test is an
// error here, too, but for one inside of an `if`, which fails when it is reached: as Jinja does it.
Template parse(std::string_view source, const Limits& limits);

}  // namespace wattle::chat::jinja
