// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "chat/jinja/access.h"
#include "chat/jinja/print.h"
#include "chat/jinja/text_ops.h"

namespace wattle::chat::jinja {
namespace {

constexpr std::string_view spelling(BinaryOp op) noexcept {
  switch (op) {
    case BinaryOp::add: return "+";
    case BinaryOp::sub: return "-";
    case BinaryOp::mul: return "*";
    case BinaryOp::div: return "/";
    case BinaryOp::floor_div: return "//";
    case BinaryOp::mod: return "%";
    case BinaryOp::pow: return "**";
  }
  return "?";
}

// An int and a double compare exactly, also beyond 2^53.
std::partial_ordering compare_numbers(const Value& a, const Value& b) noexcept {
  if (a.is_integral() && b.is_integral()) return a.as_integer() <=> b.as_integer();
  if (a.is_real() && b.is_real()) return a.as_real() <=> b.as_real();
  if (a.is_real()) return 0 <=> compare_numbers(b, a);
  const double d = b.as_real();
  if (std::isnan(d)) return std::partial_ordering::unordered;
  constexpr double kTwo63 = 9223372036854775808.0;
  if (d >= kTwo63) return std::partial_ordering::less;
  if (d < -kTwo63) return std::partial_ordering::greater;
  const auto whole = static_cast<int64_t>(d);
  const std::partial_ordering by_whole = a.as_integer() <=> whole;
  if (by_whole != 0) return by_whole;
  return 0.0 <=> d - static_cast<double>(whole);
}

bool equal_sequences(Runtime& rt, const Sequence& a, const Sequence& b) {
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!equal(rt, a.items[i], b.items[i])) return false;
  }
  return true;
}

bool equal_dicts(Runtime& rt, const Dict& a, const Dict& b) {
  if (a.entries.size() != b.entries.size()) return false;
  for (const auto& [key, value] : a.entries) {
    const Value* other = b.find(key);
    if (other == nullptr || !equal(rt, value, *other)) return false;
  }
  return true;
}

// Keys and items compare like sets, values by identity alone.
bool equal_views(Runtime& rt, const DictView& a, const DictView& b) {
  if (a.kind != b.kind || a.kind == ObjectKind::dict_values) return false;
  if (a.kind == ObjectKind::dict_items) return equal_dicts(rt, *a.dict, *b.dict);
  rt.step(a.dict->entries.size());
  return a.dict->entries.size() == b.dict->entries.size() &&
         std::all_of(a.dict->entries.begin(), a.dict->entries.end(),
                     [&](const auto& entry) { return b.dict->find(entry.first) != nullptr; });
}

[[noreturn]] void fail_overflow(Runtime& rt) {
  rt.fail("an integer does not fit into 64 bits",
          "wattle computes with 64-bit integers where Python has no limit");
}

int64_t floor_divide(Runtime& rt, int64_t a, int64_t b) {
  if (b == -1) {
    if (a == std::numeric_limits<int64_t>::min()) fail_overflow(rt);
    return -a;
  }
  const int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

int64_t floor_modulo(int64_t a, int64_t b) {
  if (b == -1) return 0;
  const int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

double floor_modulo(double a, double b) {
  double r = std::fmod(a, b);
  if (r != 0 && (r < 0) != (b < 0)) r += b;
  return r == 0 ? std::copysign(0.0, b) : r;
}

Value integer_power(Runtime& rt, int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) rt.fail("0 cannot be raised to a negative power");
    return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  if (base == 0 || base == 1) return Value::integer(exponent == 0 ? 1 : base);
  if (base == -1) return Value::integer(exponent % 2 == 0 ? 1 : -1);
  int64_t result = 1;
  for (; exponent > 0; --exponent) {  // at most 63 rounds before it overflows
    if (__builtin_mul_overflow(result, base, &result)) fail_overflow(rt);
  }
  return Value::integer(result);
}

Value integer_binary(Runtime& rt, BinaryOp op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case BinaryOp::add: overflow = __builtin_add_overflow(a, b, &result); break;
    case BinaryOp::sub: overflow = __builtin_sub_overflow(a, b, &result); break;
    case BinaryOp::mul: overflow = __builtin_mul_overflow(a, b, &result); break;
    case BinaryOp::div:
      if (b == 0) rt.fail("division by zero");
      return Value::real(static_cast<double>(a) / static_cast<double>(b));
    case BinaryOp::floor_div:
      if (b == 0) rt.fail("integer division or modulo by zero");
      return Value::integer(floor_divide(rt, a, b));
    case BinaryOp::mod:
      if (b == 0) rt.fail("integer modulo by zero");
      return Value::integer(floor_modulo(a, b));
    case BinaryOp::pow: return integer_power(rt, a, b);
  }
  if (overflow) fail_overflow(rt);
  return Value::integer(result);
}

Value real_binary(Runtime& rt, BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::add: return Value::real(a + b);
    case BinaryOp::sub: return Value::real(a - b);
    case BinaryOp::mul: return Value::real(a * b);
    case BinaryOp::div:
      if (b == 0) rt.fail("float division by zero");
      return Value::real(a / b);
    case BinaryOp::floor_div:
      if (b == 0) rt.fail("float floor division by zero");
      return Value::real(std::floor((a - floor_modulo(a, b)) / b + 0.5));
    case BinaryOp::mod:
      if (b == 0) rt.fail("float modulo");
      return Value::real(floor_modulo(a, b));
    case BinaryOp::pow:
      if (a == 0 && b < 0) rt.fail("0.0 cannot be raised to a negative power");
      if (a < 0 && b != std::floor(b)) rt.fail("a negative number to a broken power is complex");
      if (const double r = std::pow(a, b); std::isfinite(r) || !std::isfinite(a * b)) {
        return Value::real(r);
      }
      rt.fail("the result of ** is too large for a float");
  }
  return {};
}

Value repeat_text(Runtime& rt, const Value& s, int64_t count) {
  const Text& text = s.text();
  if (count <= 0 || text.empty()) return rt.string(Text(), s.as_string()->markup);
  rt.check_text_size(text.size(), static_cast<size_t>(count));
  Text out;
  for (int64_t i = 0; i < count; ++i) out.append(text);
  return rt.string(std::move(out), s.as_string()->markup);
}

Value repeat_items(Runtime& rt, const Sequence& s, int64_t count) {
  std::vector<Value> items;
  if (count > 0 && !s.items.empty()) {
    if (static_cast<uint64_t>(count) > SIZE_MAX / sizeof(Value) / s.items.size()) {
      rt.check_list_size(SIZE_MAX);
    }
    rt.check_list_size(s.items.size() * static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) items.insert(items.end(), s.items.begin(), s.items.end());
  }
  return rt.sequence(s.kind, std::move(items));
}

Value add_texts(Runtime& rt, const Value& a, const Value& b) {
  const bool markup = a.as_string()->markup || b.as_string()->markup;
  const auto part = [&](const Value& v) {
    return markup && !v.as_string()->markup ? escape_html(rt, v.text()) : v.text();
  };
  rt.check_text_size(a.text().size() + b.text().size());
  Text out = part(a);
  out.append(part(b));
  return rt.string(std::move(out), markup);
}

[[noreturn]] void fail_operands(Runtime& rt, BinaryOp op, const Value& a, const Value& b) {
  rt.fail(fmt::format("unsupported operand types for {}: '{}' and '{}'", spelling(op), type_name(a),
                      type_name(b)));
}

}  // namespace

bool truthy(const Value& v) {
  if (v.is_undefined() || v.is_none()) return false;
  if (v.is_real()) return v.as_real() != 0;
  if (v.is_integral()) return v.as_integer() != 0;
  if (v.is_string()) return !v.text().empty();
  if (const auto n = try_length(v)) return *n != 0;
  return true;
}

bool equal_keys(const Value& a, const Value& b) noexcept {
  if (a.is_string() && b.is_string()) return a.view() == b.view();
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.is_none() || b.is_none()) return a.is_none() && b.is_none();
  if (a.is_undefined() || b.is_undefined()) return a.is_undefined() && b.is_undefined();
  const auto* x = a.as<Sequence>();
  const auto* y = b.as<Sequence>();
  if (x != nullptr && y != nullptr && x->kind == y->kind && x->items.size() == y->items.size()) {
    return std::equal(
        x->items.begin(), x->items.end(), y->items.begin(), [](const Value& p, const Value& q) {
          return p.is_object() || q.is_object()
                     ? p.is_object() && q.is_object() && p.as_object() == q.as_object()
                     : equal_keys(p, q);
        });
  }
  return a.is_object() && b.is_object() && a.as_object() == b.as_object();
}

bool is_hashable(Runtime& rt, const Value& v) {
  if (v.is_string()) rt.step_bytes(v.text().size());
  if (!v.is_object()) return true;
  const auto* s = v.as<Sequence>();
  if (s == nullptr) return v.as<Dict>() == nullptr && v.as<DictView>() == nullptr;
  if (s->kind != ObjectKind::tuple) return false;
  rt.step(s->items.size());
  return std::none_of(s->items.begin(), s->items.end(), [&](const Value& i) {
    if (i.is_string()) rt.step_bytes(i.text().size());
    return i.as<Sequence>() != nullptr || i.as<Dict>() != nullptr;
  });
}

bool equal(Runtime& rt, const Value& a, const Value& b) {
  rt.step();
  if (a.is_string() && b.is_string()) {
    if (a.text().size() != b.text().size()) return false;
    rt.step_bytes(a.text().size());
    return a.view() == b.view();
  }
  if (!a.is_object() || !b.is_object()) return equal_keys(a, b);
  if (a.as_object() == b.as_object()) return true;
  const Runtime::Depth depth(rt);
  if (const auto *x = a.as<Sequence>(), *y = b.as<Sequence>(); x != nullptr && y != nullptr) {
    return equal_sequences(rt, *x, *y);
  }
  if (const auto *x = a.as<Dict>(), *y = b.as<Dict>(); x != nullptr && y != nullptr) {
    return equal_dicts(rt, *x, *y);
  }
  if (const auto *x = a.as<DictView>(), *y = b.as<DictView>(); x != nullptr && y != nullptr) {
    return equal_views(rt, *x, *y);
  }
  if (const auto *x = a.as<Range>(), *y = b.as<Range>(); x != nullptr && y != nullptr) {
    const int64_t n = x->size();
    return n == y->size() && (n == 0 || (x->start == y->start && (n == 1 || x->step == y->step)));
  }
  return false;
}

std::partial_ordering compare(Runtime& rt, const Value& a, const Value& b, std::string_view op) {
  rt.step();
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  if (a.is_string() && b.is_string()) {
    // Bytes of UTF-8 sort like code points.
    rt.step_bytes(std::min(a.text().size(), b.text().size()));
    return a.view() <=> b.view();
  }
  const auto* x = a.as<Sequence>();
  const auto* y = b.as<Sequence>();
  if (x != nullptr && y != nullptr && x->kind == y->kind) {
    const Runtime::Depth depth(rt);
    const size_t n = std::min(x->items.size(), y->items.size());
    for (size_t i = 0; i < n; ++i) {
      if (!equal(rt, x->items[i], y->items[i])) return compare(rt, x->items[i], y->items[i], op);
    }
    return x->items.size() <=> y->items.size();
  }
  if (a.is_undefined()) rt.fail_undefined(a.as_undefined());
  if (b.is_undefined()) rt.fail_undefined(b.as_undefined());
  rt.fail(fmt::format("'{}' cannot compare '{}' and '{}'", op, type_name(a), type_name(b)));
}

bool contains(Runtime& rt, const Value& container, const Value& item) {
  if (container.is_string()) {
    if (!item.is_string()) {
      rt.fail(fmt::format("'in <string>' needs a string on its left, got '{}'", type_name(item)));
    }
    rt.step_bytes(container.text().size());
    return find_text(container.view(), item.view()) != std::string_view::npos;
  }
  const auto* view = container.as<DictView>();
  const auto* dict =
      view != nullptr && view->kind == ObjectKind::dict_keys ? view->dict : container.as<Dict>();
  if (dict != nullptr) {
    if (!is_hashable(rt, item)) rt.fail(fmt::format("a '{}' cannot be a key", type_name(item)));
    return dict->find(item) != nullptr;
  }
  for (const Value& v : iterate(rt, container)) {
    if (equal(rt, v, item)) return true;
  }
  return false;
}

Value binary(Runtime& rt, BinaryOp op, const Value& a, const Value& b) {
  if (a.is_undefined()) rt.fail_undefined(a.as_undefined());
  if (op == BinaryOp::mod && a.is_string()) {
    if (a.as_string()->markup) rt.fail("% on a text marked safe is not supported");
    return rt.string(format_percent(rt, a.text(), b));
  }
  if (b.is_undefined()) rt.fail_undefined(b.as_undefined());
  if (a.is_number() && b.is_number()) {
    return a.is_integral() && b.is_integral()
               ? integer_binary(rt, op, a.as_integer(), b.as_integer())
               : real_binary(rt, op, a.to_real(), b.to_real());
  }
  if (op == BinaryOp::add) {
    if (a.is_string() && b.is_string()) return add_texts(rt, a, b);
    const auto *x = a.as<Sequence>(), *y = b.as<Sequence>();
    if (x != nullptr && y != nullptr && x->kind == y->kind) {
      rt.check_list_size(x->items.size() + y->items.size());
      std::vector<Value> items = x->items;
      items.insert(items.end(), y->items.begin(), y->items.end());
      return rt.sequence(x->kind, std::move(items));
    }
    if (a.is_string() || x != nullptr) {
      rt.fail(
          fmt::format("can only concatenate {0} (not '{1}') to {0}", type_name(a), type_name(b)));
    }
  }
  if (op == BinaryOp::mul && a.is_string() && b.is_integral()) {
    return repeat_text(rt, a, b.as_integer());
  }
  if (op == BinaryOp::mul && b.is_string() && a.is_integral()) {
    return repeat_text(rt, b, a.as_integer());
  }
  if (op == BinaryOp::mul && a.as<Sequence>() != nullptr && b.is_integral()) {
    return repeat_items(rt, *a.as<Sequence>(), b.as_integer());
  }
  if (op == BinaryOp::mul && b.as<Sequence>() != nullptr && a.is_integral()) {
    return repeat_items(rt, *b.as<Sequence>(), a.as_integer());
  }
  fail_operands(rt, op, a, b);
}

Value negate(Runtime& rt, const Value& v) {
  if (v.is_undefined()) rt.fail_undefined(v.as_undefined());
  if (v.is_real()) return Value::real(-v.as_real());
  if (v.is_integral()) {
    if (v.as_integer() == std::numeric_limits<int64_t>::min()) fail_overflow(rt);
    return Value::integer(-v.as_integer());
  }
  rt.fail(fmt::format("a '{}' has no negative", type_name(v)));
}

Value plus(Runtime& rt, const Value& v) {
  if (v.is_undefined()) rt.fail_undefined(v.as_undefined());
  if (v.is_real()) return v;
  if (v.is_integral()) return Value::integer(v.as_integer());
  rt.fail(fmt::format("unary + needs a number, got '{}'", type_name(v)));
}

Value absolute(Runtime& rt, const Value& v) {
  if (v.is_real()) return Value::real(std::fabs(v.as_real()));
  if (v.is_integral()) return v.as_integer() < 0 ? negate(rt, v) : Value::integer(v.as_integer());
  rt.fail(fmt::format("abs needs a number, got '{}'", type_name(v)));
}

Text escape_html(Runtime& rt, const Text& text) {
  Text out;
  const std::string_view s = text.view();
  size_t plain = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    const char* entity = nullptr;
    switch (s[i]) {
      case '&': entity = "&amp;"; break;
      case '<': entity = "&lt;"; break;
      case '>': entity = "&gt;"; break;
      case '"': entity = "&#34;"; break;
      case '\'': entity = "&#39;"; break;
      default: continue;
    }
    out.append(text, plain, i);
    out.append(entity, text.origin(i));
    rt.check_text_size(out.size());
    plain = i + 1;
  }
  out.append(text, plain, s.size());
  return out;
}

}  // namespace wattle::chat::jinja
