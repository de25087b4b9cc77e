// SPDX-License-Identifier: Apache-2.0
// Filters on numbers and on any value.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "chat/jinja/access.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/json_write.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/text_ops.h"

namespace wattle::chat::jinja {
namespace {

Value filter_abs(Runtime& rt, const Bound& a) { return absolute(rt, a[0]); }

// Python allows white space around a number and single underscores between its digits.
std::string number_text(Runtime& rt, const Text& text) {
  std::string digits = strip(rt, text, std::nullopt, Side::both).bytes();
  for (size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] != '_') continue;
    const bool between = i > 0 && i + 1 < digits.size() &&
                         std::isxdigit(static_cast<unsigned char>(digits[i - 1])) &&
                         std::isxdigit(static_cast<unsigned char>(digits[i + 1]));
    if (!between) return {};
  }
  std::erase(digits, '_');
  return digits;
}

std::optional<double> parse_real(Runtime& rt, const Text& text) {
  std::string digits = number_text(rt, text);
  if (!digits.empty() && digits[0] == '+') digits.erase(0, 1);
  double value = 0;
  const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || digits[0] == '+' || r.ptr != digits.data() + digits.size()) {
    return std::nullopt;
  }
  if (r.ec == std::errc::result_out_of_range) {
    return digits.find("e-") != std::string::npos ? 0.0 : std::numeric_limits<double>::infinity();
  }
  return r.ec == std::errc() ? std::optional<double>(value) : std::nullopt;
}

std::optional<int64_t> parse_integer(Runtime& rt, const Text& text, int64_t base) {
  std::string digits = number_text(rt, text);
  bool negative = false;
  if (!digits.empty() && (digits[0] == '+' || digits[0] == '-')) {
    negative = digits[0] == '-';
    digits.erase(0, 1);
  }
  if (digits.size() > 2 && digits[0] == '0') {
    const char mark = static_cast<char>(digits[1] | 0x20);
    const int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked != 0 && (base == marked || base == 0)) {
      base = marked;
      digits.erase(0, 2);
    }
  }
  if (base == 0) base = 10;
  if (base < 2 || base > 36 || digits.empty() || digits[0] == '-') return std::nullopt;
  if (negative) digits.insert(digits.begin(), '-');
  int64_t value = 0;
  const auto r =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, static_cast<int>(base));
  if (r.ec != std::errc() || r.ptr != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> to_integer(double d) {
  if (!(std::fabs(d) < 9223372036854775808.0)) return std::nullopt;
  return static_cast<int64_t>(d);
}

Value filter_int(Runtime& rt, const Bound& a) {
  const Value otherwise = a.has(1) ? a[1] : Value::integer(0);
  const Value& v = a[0];
  if (v.is_undefined()) rt.fail_undefined(v.as_undefined());
  if (v.is_integral()) return Value::integer(v.as_integer());
  std::optional<int64_t> result;
  if (v.is_string()) {
    result = parse_integer(rt, v.text(), integer_argument(rt, a, 2, 10));
    if (!result) {
      if (const auto real = parse_real(rt, v.text())) result = to_integer(*real);
    }
  } else if (v.is_real()) {
    result = to_integer(v.as_real());
  }
  return result ? Value::integer(*result) : otherwise;
}

Value filter_float(Runtime& rt, const Bound& a) {
  const Value& v = a[0];
  if (v.is_undefined()) rt.fail_undefined(v.as_undefined());
  if (v.is_number()) return Value::real(v.to_real());
  if (v.is_string()) {
    if (const auto real = parse_real(rt, v.text())) return Value::real(*real);
  }
  return a.has(1) ? a[1] : Value::real(0);
}

// Half to even at the exact binary value, as Python's round().
double round_exactly(double d, int64_t precision) {
  if (!std::isfinite(d) || precision > 330) return d;
  if (precision >= 0) {
    const std::string text = fmt::format("{:.{}f}", d, static_cast<int>(precision));
    double result = d;
    std::from_chars(text.data(), text.data() + text.size(), result);
    return result;
  }
  if (precision < -330) return std::copysign(0.0, d);
  const double unit = std::pow(10.0, static_cast<double>(-precision));
  return std::nearbyint(d / unit) * unit;
}

Value round_integer(Runtime& rt, int64_t value, int64_t precision) {
  if (precision >= 0) return Value::integer(value);
  if (precision < -18) return Value::integer(0);
  int64_t unit = 1;
  for (int64_t i = precision; i < 0; ++i) unit *= 10;
  const int64_t rest = ((value % unit) + unit) % unit;
  int64_t result = 0;
  bool overflow = __builtin_sub_overflow(value, rest, &result);
  const bool odd = result / unit % 2 != 0;
  if (rest > unit - rest || (rest == unit - rest && odd)) {
    overflow = overflow || __builtin_add_overflow(result, unit, &result);
  }
  if (overflow) rt.fail("an integer does not fit into 64 bits");
  return Value::integer(result);
}

Value filter_round(Runtime& rt, const Bound& a) {
  const Value& v = a[0];
  if (v.is_undefined()) rt.fail_undefined(v.as_undefined());
  if (!v.is_number()) rt.fail(fmt::format("round needs a number, got '{}'", type_name(v)));
  const int64_t precision = integer_argument(rt, a, 1, 0);
  const std::string_view method = a.has(2) ? text_argument(rt, a, 2).view() : "common";
  if (method == "common") {
    return v.is_integral() ? round_integer(rt, v.as_integer(), precision)
                           : Value::real(round_exactly(v.as_real(), precision));
  }
  if (method != "ceil" && method != "floor") {
    rt.fail(fmt::format("round: method '{}', expected common, ceil or floor", method));
  }
  const double unit = std::pow(10.0, static_cast<double>(precision));
  const double scaled = v.to_real() * unit;
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit);
}

Value filter_default(Runtime& rt, const Bound& a) {
  const bool replace_it = a[0].is_undefined() || (flag_argument(a, 2, false) && !truthy(a[0]));
  if (!replace_it) return a[0];
  return a.has(1) ? a[1] : rt.string("");
}

Value filter_attr(Runtime& rt, const Bound& a) {
  if (!a[1].is_string()) rt.fail("attr needs the name of an attribute");
  if (a[0].is_undefined()) rt.fail_undefined(a[0].as_undefined());
  return get_attribute_only(rt, a[0], a[1].as_string());
}

Value filter_tojson(Runtime& rt, const Bound& a) {
  JsonStyle style;
  style.ensure_ascii = flag_argument(a, 1, false);
  if (!a.absent_or_none(2)) {
    if (a[2].is_string()) {
      style.indent = a[2].text().bytes();
    } else {
      const int64_t width = std::max<int64_t>(integer_argument(rt, a, 2), 0);
      rt.check_text_size(1, static_cast<size_t>(width));
      style.indent = std::string(static_cast<size_t>(width), ' ');
    }
    style.item_separator = ',';
  }
  if (!a.absent_or_none(3)) {
    const std::vector<Value> pair = iterate(rt, a[3]);
    if (pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) {
      rt.fail("tojson: separators must be a pair of strings");
    }
    style.item_separator = pair[0].text().bytes();
    style.key_separator = pair[1].text().bytes();
  }
  style.sort_keys = flag_argument(a, 4, false);
  return rt.string(write_json(rt, a[0], style));
}

constexpr std::array kFilters = std::to_array<Builtin>({
    {"abs", filter_abs, {"value"}, 1},
    {"attr", filter_attr, {"value", "name"}, 2},
    {"d", filter_default, {"value", "default_value", "boolean"}, 1},
    {"default", filter_default, {"value", "default_value", "boolean"}, 1},
    {"float", filter_float, {"value", "default"}, 1},
    {"int", filter_int, {"value", "default", "base"}, 1},
    {"round", filter_round, {"value", "precision", "method"}, 1},
    {"tojson", filter_tojson, {"value", "ensure_ascii", "indent", "separators", "sort_keys"}, 1},
});

}  // namespace

std::span<const Builtin> value_filters() noexcept { return kFilters; }

}  // namespace wattle::chat::jinja
