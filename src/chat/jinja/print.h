// SPDX-License-Identifier: Apache-2.0
// Values as text, the way Python prints them.
#pragma once

#include <string>
#include <string_view>

#include "chat/jinja/runtime.h"

namespace wattle::chat::jinja {

// Python's name of the type: "str", "int", "NoneType", ...
std::string_view type_name(const Value& v) noexcept;
// What an undefined value stands for: "'x' is undefined", "'dict object' has no attribute 'y'".
std::string describe(const Undefined& u);

// str(v): strings as they are, undefined as nothing.
void append_str(Runtime& rt, Text& out, const Value& v);
// repr(v): strings quoted and escaped.
void append_repr(Runtime& rt, Text& out, const Value& v);

// The shortest decimal that reads back as the same double: "0.1", "1e-07", "1e+16", "nan".
std::string format_real(double d);

}  // namespace wattle::chat::jinja
