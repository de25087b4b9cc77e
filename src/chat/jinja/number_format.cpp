// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/number_format.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "chat/jinja/builtin.h"
#include "chat/jinja/print.h"
#include "chat/jinja/text_ops.h"
#include "chat/jinja/unicode.h"

namespace wattle::chat::jinja {
namespace {

constexpr int64_t kMaxPrecision = 1000;

bool is_align(char c) { return c == '<' || c == '>' || c == '^' || c == '='; }

int64_t parse_count(Runtime& rt, std::string_view spec, size_t& pos) {
  int64_t n = 0;
  for (; pos < spec.size() && spec[pos] >= '0' && spec[pos] <= '9'; ++pos) {
    n = n * 10 + (spec[pos] - '0');
    if (n > static_cast<int64_t>(rt.limits().max_text_bytes)) {
      rt.fail("a format asks for a text longer than the limit");
    }
  }
  return n;
}

// Digits with a separator between groups, counted from the right.
std::string grouped(std::string_view digits, char separator, size_t group) {
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % group == 0) out += separator;
    out += digits[i];
  }
  return out;
}

struct NumberText {
  std::string sign;    // "", "-", "+", " "
  std::string prefix;  // 0x and the like
  std::string body;
};

std::string sign_of(bool negative, char sign) {
  if (negative) return "-";
  return sign == '-' ? "" : std::string(1, sign);
}

NumberText integer_text(Runtime& rt, int64_t value, const FormatSpec& spec) {
  NumberText t;
  t.sign = sign_of(value < 0, spec.sign);
  const uint64_t magnitude =
      value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  size_t group = 4;
  switch (spec.type) {
    case 'x': t.body = fmt::format("{:x}", magnitude); break;
    case 'X': t.body = fmt::format("{:X}", magnitude); break;
    case 'o': t.body = fmt::format("{:o}", magnitude); break;
    case 'b': t.body = fmt::format("{:b}", magnitude); break;
    default: t.body = fmt::format("{}", magnitude); group = 3;
  }
  if (spec.alternate && group == 4) t.prefix = {'0', spec.type};
  if (spec.precision > static_cast<int64_t>(t.body.size())) {  // % only: at least so many digits
    rt.check_text_size(static_cast<size_t>(spec.precision));
    t.body.insert(0, static_cast<size_t>(spec.precision) - t.body.size(), '0');
  }
  if (spec.grouping != 0) t.body = grouped(t.body, spec.grouping, group);
  return t;
}

// The digits of a finite, non-negative number.
std::string real_body(double d, const FormatSpec& spec) {
  const auto precision = static_cast<int>(spec.precision < 0 ? 6 : spec.precision);
  switch (spec.type) {
    case 'e': return fmt::format("{:.{}e}", d, precision);
    case 'E': return fmt::format("{:.{}E}", d, precision);
    case 'f':
    case 'F': return fmt::format("{:.{}f}", d, precision);
    case '%': return fmt::format("{:.{}f}%", d * 100, precision);
    case 'g':
    case 'n':
    case 'G': {
      const int digits = precision == 0 ? 1 : precision;
      return spec.type != 'G' ? fmt::format("{:.{}g}", d, digits)
                              : fmt::format("{:.{}G}", d, digits);
    }
    default: break;
  }
  if (spec.precision < 0) return format_real(d);
  // Without a type: like g, but a whole number keeps its ".0".
  std::string s = fmt::format("{:.{}g}", d, precision == 0 ? 1 : precision);
  if (s.find_first_of(".e") == std::string::npos) s += ".0";
  return s;
}

NumberText real_text(Runtime& rt, double value, const FormatSpec& spec) {
  if (spec.precision > kMaxPrecision) {
    rt.fail(fmt::format("a precision of {} is more than the {} supported", spec.precision,
                        kMaxPrecision));
  }
  NumberText t;
  t.sign = sign_of(std::signbit(value) && !std::isnan(value), spec.sign);
  if (!std::isfinite(value)) {
    t.body = std::isnan(value) ? "nan" : "inf";
    return t;
  }
  t.body = real_body(std::fabs(value), spec);
  if (spec.grouping != 0) {
    const size_t whole = t.body.find_first_not_of("0123456789");
    const size_t n = whole == std::string::npos ? t.body.size() : whole;
    t.body = grouped(t.body.substr(0, n), spec.grouping, 3) + t.body.substr(n);
  }
  return t;
}

Text pad_text(Runtime& rt, const Text& text, const FormatSpec& spec, char align) {
  const Text fill(spec.fill, Origin::template_text);
  if (align == '^') {  // format() gives the odd one to the right
    const auto size = static_cast<int64_t>(count_code_points(text.view()));
    if (spec.width <= size) return text;
    rt.check_text_size(fill.size(), static_cast<size_t>(spec.width));
    return pad(rt, pad(rt, text, size + (spec.width - size) / 2, fill, Align::right), spec.width,
               fill, Align::left);
  }
  return pad(rt, text, spec.width, fill, align == '<' ? Align::left : Align::right);
}

}  // namespace

FormatSpec parse_format_spec(Runtime& rt, std::string_view spec) {
  FormatSpec f;
  size_t pos = 0;
  if (!spec.empty()) {
    size_t after = 0;
    next_code_point(spec, after);
    if (after < spec.size() && is_align(spec[after])) {
      f.fill = std::string(spec.substr(0, after));
      f.align = spec[after];
      pos = after + 1;
    } else if (is_align(spec[0])) {
      f.align = spec[0];
      pos = 1;
    }
  }
  const auto take = [&](std::string_view one_of) -> char {
    if (pos >= spec.size() || one_of.find(spec[pos]) == std::string_view::npos) return 0;
    return spec[pos++];
  };
  if (const char sign = take("+- ")) f.sign = sign;
  f.alternate = take("#") != 0;
  if (take("0") != 0 && f.align == 0) {
    f.fill = "0";
    f.align = '=';
  }
  f.width = parse_count(rt, spec, pos);
  f.grouping = take(",_");
  if (take(".") != 0) f.precision = parse_count(rt, spec, pos);
  f.type = take("bcdeEfFgGnosxX%");
  if (pos != spec.size()) rt.fail(fmt::format("'{}' is no format of ours", spec));
  return f;
}

Text format_value(Runtime& rt, const Value& value, const FormatSpec& spec) {
  const bool wants_real =
      spec.type != 0 && std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos;
  const bool wants_integer =
      spec.type != 0 && std::string_view("bdoxXc").find(spec.type) != std::string_view::npos;
  NumberText number;
  if (value.is_number() && spec.type != 's' && !(value.is_boolean() && spec.type == 0)) {
    if (value.is_real() && wants_integer) {
      rt.fail(fmt::format("the format '{}' needs an integer, got a float", spec.type));
    }
    if (spec.type == 'c') {
      std::string c;
      const int64_t code = value.as_integer();
      if (code < 0 || code > 0x10ffff) rt.fail("the format 'c' needs a code point");
      append_utf8(c, static_cast<char32_t>(code));
      number.body = c;
    } else {
      number = value.is_real() || wants_real ? real_text(rt, value.to_real(), spec)
                                             : integer_text(rt, value.as_integer(), spec);
    }
    if (spec.align == '=') {
      const auto used = static_cast<int64_t>(number.sign.size() + number.prefix.size());
      const Text body(number.body, Origin::template_text);
      const Text fill(spec.fill, Origin::template_text);
      Text out(number.sign + number.prefix, Origin::template_text);
      out.append(pad(rt, body, spec.width - used, fill, Align::right));
      return out;
    }
    return pad_text(rt, Text(number.sign + number.prefix + number.body, Origin::template_text),
                    spec, spec.align == 0 ? '>' : spec.align);
  }
  if (wants_real || wants_integer) {
    rt.fail(fmt::format("the format '{}' needs a number, got '{}'", spec.type, type_name(value)));
  }
  Text text = soft_text(rt, value);
  if (spec.precision >= 0) text = text.part(0, byte_offset(text.view(), spec.precision));
  return pad_text(rt, text, spec, spec.align == 0 || spec.align == '=' ? '<' : spec.align);
}

}  // namespace wattle::chat::jinja
