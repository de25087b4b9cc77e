// SPDX-License-Identifier: Apache-2.0
// The methods of Python's str.
#pragma once

#include <span>

#include "chat/jinja/builtin.h"

namespace wattle::chat::jinja {

std::span<const Builtin> string_methods() noexcept;

// '{} {name!r:>5}'.format(...). Attributes are looked up as templates do, underscores refused.
Text format_braces(Runtime& rt, const Text& format, const Arguments& arguments);

}  // namespace wattle::chat::jinja
