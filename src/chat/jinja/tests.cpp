// SPDX-License-Identifier: Apache-2.0
// Jinja's tests: what may stand behind `is`.
#include <fmt/format.h>

#include <array>

#include "chat/jinja/access.h"
#include "chat/jinja/builtin.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/text_ops.h"
#include "chat/jinja/unicode.h"

namespace wattle::chat::jinja {
namespace {

template <bool (Value::*fn)() const noexcept>
Value is_kind(Runtime&, const Bound& a) {
  return Value::boolean((a[0].*fn)());
}

Value is_defined(Runtime&, const Bound& a) { return Value::boolean(!a[0].is_undefined()); }
Value is_true(Runtime&, const Bound& a) {
  return Value::boolean(a[0].is_boolean() && a[0].as_boolean());
}
Value is_false(Runtime&, const Bound& a) {
  return Value::boolean(a[0].is_boolean() && !a[0].as_boolean());
}

Value is_mapping(Runtime&, const Bound& a) { return Value::boolean(a[0].as<Dict>() != nullptr); }

Value is_iterable_test(Runtime&, const Bound& a) { return Value::boolean(is_iterable(a[0])); }

// Has a length and items: dicts and strings, too.
Value is_sequence(Runtime&, const Bound& a) {
  return Value::boolean(a[0].is_undefined() || a[0].is_string() || a[0].as<Sequence>() != nullptr ||
                        a[0].as<Dict>() != nullptr || a[0].as<Range>() != nullptr);
}

Value is_callable(Runtime&, const Bound& a) {
  if (a[0].is_undefined()) return Value::boolean(true);  // Jinja's can be called, and fails then
  if (!a[0].is_object()) return Value::boolean(false);
  switch (a[0].as_object()->kind) {
    case ObjectKind::function:
    case ObjectKind::method:
    case ObjectKind::macro:
    case ObjectKind::loop:
    case ObjectKind::joiner: return Value::boolean(true);
    default: return Value::boolean(false);
  }
}

Value is_same(Runtime& rt, const Bound& a) {
  const Value &x = a[0], &y = a[1];
  if (x.is_object() || y.is_object()) {
    return Value::boolean(x.is_object() && y.is_object() && x.as_object() == y.as_object());
  }
  return Value::boolean(type_name(x) == type_name(y) && equal(rt, x, y));
}

Value is_escaped(Runtime&, const Bound& a) {
  return Value::boolean(a[0].is_string() && a[0].as_string()->markup);
}

// value % 2 as Python computes it, so that floats work and strings fail.
Value has_remainder(Runtime& rt, const Value& v, const Value& divisor, int64_t wanted) {
  return Value::boolean(equal(rt, binary(rt, BinaryOp::mod, v, divisor), Value::integer(wanted)));
}
Value is_odd(Runtime& rt, const Bound& a) { return has_remainder(rt, a[0], Value::integer(2), 1); }
Value is_even(Runtime& rt, const Bound& a) { return has_remainder(rt, a[0], Value::integer(2), 0); }
Value is_divisible(Runtime& rt, const Bound& a) { return has_remainder(rt, a[0], a[1], 0); }

Value is_equal(Runtime& rt, const Bound& a) { return Value::boolean(equal(rt, a[0], a[1])); }
Value is_not_equal(Runtime& rt, const Bound& a) { return Value::boolean(!equal(rt, a[0], a[1])); }
Value is_less(Runtime& rt, const Bound& a) {
  return Value::boolean(compare(rt, a[0], a[1], "<") < 0);
}
Value is_less_or_equal(Runtime& rt, const Bound& a) {
  return Value::boolean(compare(rt, a[0], a[1], "<=") <= 0);
}
Value is_greater(Runtime& rt, const Bound& a) {
  return Value::boolean(compare(rt, a[0], a[1], ">") > 0);
}
Value is_greater_or_equal(Runtime& rt, const Bound& a) {
  return Value::boolean(compare(rt, a[0], a[1], ">=") >= 0);
}
Value is_in(Runtime& rt, const Bound& a) { return Value::boolean(contains(rt, a[1], a[0])); }

Value is_filter(Runtime&, const Bound& a) {
  return Value::boolean(a[0].is_string() && find_filter(a[0].view()) != nullptr);
}
Value is_test(Runtime&, const Bound& a) {
  return Value::boolean(a[0].is_string() && find_test(a[0].view()) != nullptr);
}

// Some cased letters, and none of the other case.
Value is_one_case(Runtime& rt, const Value& v, bool (*wanted)(char32_t)) {
  const Text text = soft_text(rt, v);
  bool any = false;
  for (size_t pos = 0; pos < text.size();) {
    const char32_t c = next_code_point(text.view(), pos);
    if (!is_cased(c)) continue;
    if (!wanted(c)) return Value::boolean(false);
    any = true;
  }
  return Value::boolean(any);
}
Value is_lower_text(Runtime& rt, const Bound& a) { return is_one_case(rt, a[0], is_lower); }
Value is_upper_text(Runtime& rt, const Bound& a) { return is_one_case(rt, a[0], is_upper); }

constexpr std::array kTests = std::to_array<Builtin>({
    {"!=", is_not_equal, {"value", "other"}, 2},
    {"<", is_less, {"value", "other"}, 2},
    {"<=", is_less_or_equal, {"value", "other"}, 2},
    {"==", is_equal, {"value", "other"}, 2},
    {">", is_greater, {"value", "other"}, 2},
    {">=", is_greater_or_equal, {"value", "other"}, 2},
    {"boolean", is_kind<&Value::is_boolean>, {"value"}, 1},
    {"callable", is_callable, {"value"}, 1},
    {"defined", is_defined, {"value"}, 1},
    {"divisibleby", is_divisible, {"value", "num"}, 2},
    {"eq", is_equal, {"value", "other"}, 2},
    {"equalto", is_equal, {"value", "other"}, 2},
    {"escaped", is_escaped, {"value"}, 1},
    {"even", is_even, {"value"}, 1},
    {"false", is_false, {"value"}, 1},
    {"filter", is_filter, {"value"}, 1},
    {"float", is_kind<&Value::is_real>, {"value"}, 1},
    {"ge", is_greater_or_equal, {"value", "other"}, 2},
    {"greaterthan", is_greater, {"value", "other"}, 2},
    {"gt", is_greater, {"value", "other"}, 2},
    {"in", is_in, {"value", "seq"}, 2},
    {"integer", is_kind<&Value::is_integer>, {"value"}, 1},
    {"iterable", is_iterable_test, {"value"}, 1},
    {"le", is_less_or_equal, {"value", "other"}, 2},
    {"lessthan", is_less, {"value", "other"}, 2},
    {"lower", is_lower_text, {"value"}, 1},
    {"lt", is_less, {"value", "other"}, 2},
    {"mapping", is_mapping, {"value"}, 1},
    {"ne", is_not_equal, {"value", "other"}, 2},
    {"none", is_kind<&Value::is_none>, {"value"}, 1},
    {"number", is_kind<&Value::is_number>, {"value"}, 1},
    {"odd", is_odd, {"value"}, 1},
    {"sameas", is_same, {"value", "other"}, 2},
    {"sequence", is_sequence, {"value"}, 1},
    {"string", is_kind<&Value::is_string>, {"value"}, 1},
    {"test", is_test, {"value"}, 1},
    {"true", is_true, {"value"}, 1},
    {"undefined", is_kind<&Value::is_undefined>, {"value"}, 1},
    {"upper", is_upper_text, {"value"}, 1},
});

}  // namespace

const Builtin* find_test(std::string_view name) noexcept { return find_builtin(kTests, name); }

}  // namespace wattle::chat::jinja
