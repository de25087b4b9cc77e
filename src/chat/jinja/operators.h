// SPDX-License-Identifier: Apache-2.0
// Python's operators on values. All fail, as Python does, on operands they are not made for.
#pragma once

#include <compare>

#include "chat/jinja/runtime.h"

namespace wattle::chat::jinja {

enum class BinaryOp { add, sub, mul, div, floor_div, mod, pow };

bool truthy(const Value& v);

// a == b, at any depth the Runtime allows.
bool equal(Runtime& rt, const Value& a, const Value& b);
// The same for keys of dicts, which are hashable: nothing in them can be deep.
bool equal_keys(const Value& a, const Value& b) noexcept;
// What may be a key: no lists and dicts, and no tuples of tuples. Call it before looking a key up
// or setting it, since it counts the work of hashing.
bool is_hashable(Runtime& rt, const Value& v);

// a < b and the like; `op` is how an error spells it. Unordered where a NaN is compared.
std::partial_ordering compare(Runtime& rt, const Value& a, const Value& b, std::string_view op);

// item in container
bool contains(Runtime& rt, const Value& container, const Value& item);

Value binary(Runtime& rt, BinaryOp op, const Value& a, const Value& b);
Value negate(Runtime& rt, const Value& v);
Value plus(Runtime& rt, const Value& v);
Value absolute(Runtime& rt, const Value& v);

// "&<>\"'" written as HTML entities, what + does to what is added to a text marked safe.
Text escape_html(Runtime& rt, const Text& text);

// value % arguments for strings: printf as Python has it. `arguments` is a tuple, a dict for
// %(name)s, or a single value.
Text format_percent(Runtime& rt, const Text& format, const Value& arguments);

}  // namespace wattle::chat::jinja
