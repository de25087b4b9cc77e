// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/print.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "chat/jinja/interpreter.h"
#include "chat/jinja/unicode.h"

namespace wattle::chat::jinja {
namespace {

void append_template(Text& out, std::string_view s) { out.append(s, Origin::template_text); }

// Double quotes only where there are single ones and no double ones, as Python does.
void append_quoted(Runtime& rt, Text& out, const Text& text) {
  const std::string_view s = text.view();
  const bool has_single = s.find('\'') != std::string_view::npos;
  const bool has_double = s.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  rt.check_text_size(out.size() + s.size());
  append_template(out, std::string_view(&quote, 1));
  size_t plain = 0;  // begin of the characters that go out as they are
  for (size_t pos = 0; pos < s.size();) {
    const size_t begin = pos;
    const char32_t c = next_code_point(s, pos);
    std::string escaped;
    if (c == static_cast<unsigned char>(quote) || c == U'\\') {
      escaped = {'\\', static_cast<char>(c)};
    } else if (c == U'\n') {
      escaped = "\\n";
    } else if (c == U'\r') {
      escaped = "\\r";
    } else if (c == U'\t') {
      escaped = "\\t";
    } else if (!is_printable(c)) {
      const auto code = static_cast<uint32_t>(c);
      escaped = code <= 0xff     ? fmt::format("\\x{:02x}", code)
                : code <= 0xffff ? fmt::format("\\u{:04x}", code)
                                 : fmt::format("\\U{:08x}", code);
    } else {
      continue;
    }
    out.append(text, plain, begin);
    out.append(escaped, text.origin(begin));
    plain = pos;
  }
  out.append(text, plain, s.size());
  append_template(out, std::string_view(&quote, 1));
}

void append_items(Runtime& rt, Text& out, const std::vector<Value>& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) append_template(out, ", ");
    append_repr(rt, out, items[i]);
  }
}

void append_dict(Runtime& rt, Text& out, const Dict& dict) {
  append_template(out, "{");
  for (size_t i = 0; i < dict.entries.size(); ++i) {
    if (i > 0) append_template(out, ", ");
    append_repr(rt, out, dict.entries[i].first);
    append_template(out, ": ");
    append_repr(rt, out, dict.entries[i].second);
  }
  append_template(out, "}");
}

void append_view(Runtime& rt, Text& out, const DictView& view) {
  append_template(out, type_name(Value::object(const_cast<DictView*>(&view))));
  append_template(out, "([");
  bool first = true;
  for (const auto& [key, value] : view.dict->entries) {
    if (!first) append_template(out, ", ");
    first = false;
    if (view.kind == ObjectKind::dict_items) append_template(out, "(");
    if (view.kind != ObjectKind::dict_values) append_repr(rt, out, key);
    if (view.kind == ObjectKind::dict_items) append_template(out, ", ");
    if (view.kind != ObjectKind::dict_keys) append_repr(rt, out, value);
    if (view.kind == ObjectKind::dict_items) append_template(out, ")");
  }
  append_template(out, "])");
}

void append_object(Runtime& rt, Text& out, const Value& v) {
  const Runtime::Depth depth(rt);
  switch (v.as_object()->kind) {
    case ObjectKind::list: {
      append_template(out, "[");
      append_items(rt, out, v.as<Sequence>()->items);
      append_template(out, "]");
      return;
    }
    case ObjectKind::tuple: {
      const auto& items = v.as<Sequence>()->items;
      append_template(out, "(");
      append_items(rt, out, items);
      append_template(out, items.size() == 1 ? ",)" : ")");
      return;
    }
    case ObjectKind::dict: append_dict(rt, out, *v.as<Dict>()); return;
    case ObjectKind::dict_keys:
    case ObjectKind::dict_values:
    case ObjectKind::dict_items: append_view(rt, out, *v.as<DictView>()); return;
    case ObjectKind::range: {
      const auto* r = v.as<Range>();
      append_template(out, r->step == 1
                               ? fmt::format("range({}, {})", r->start, r->stop)
                               : fmt::format("range({}, {}, {})", r->start, r->stop, r->step));
      return;
    }
    case ObjectKind::name_space:
      append_template(out, "<Namespace ");
      append_dict(rt, out, v.as<Namespace>()->attributes);
      append_template(out, ">");
      return;
    case ObjectKind::macro:
      append_template(out, fmt::format("<Macro '{}'>", v.as<Macro>()->decl->name));
      return;
    case ObjectKind::loop: {
      const auto* loop = v.as<Loop>();
      append_template(out, fmt::format("<LoopContext {}/{}>", loop->index + 1, loop->items.size()));
      return;
    }
    // Python shows an address here, which nobody can mean to have in a prompt.
    case ObjectKind::generator:
    case ObjectKind::function:
    case ObjectKind::method:
    case ObjectKind::cycler:
    case ObjectKind::joiner:
    case ObjectKind::scope: rt.fail(fmt::format("a {} cannot be printed", type_name(v)));
  }
}

}  // namespace

std::string_view type_name(const Value& v) noexcept {
  if (v.is_undefined()) return "Undefined";
  if (v.is_none()) return "NoneType";
  if (v.is_boolean()) return "bool";
  if (v.is_integer()) return "int";
  if (v.is_real()) return "float";
  if (v.is_string()) return "str";
  switch (v.as_object()->kind) {
    case ObjectKind::list: return "list";
    case ObjectKind::tuple: return "tuple";
    case ObjectKind::dict: return "dict";
    case ObjectKind::dict_keys: return "dict_keys";
    case ObjectKind::dict_values: return "dict_values";
    case ObjectKind::dict_items: return "dict_items";
    case ObjectKind::range: return "range";
    case ObjectKind::generator: return "generator";
    case ObjectKind::name_space: return "Namespace";
    case ObjectKind::function: return "function";
    case ObjectKind::method: return "method";
    case ObjectKind::macro: return "Macro";
    case ObjectKind::loop: return "LoopContext";
    case ObjectKind::cycler: return "Cycler";
    case ObjectKind::joiner: return "Joiner";
    case ObjectKind::scope: return "scope";
  }
  return "object";
}

std::string describe(const Undefined& u) {
  if (u.name == nullptr) return "the value is undefined";
  const std::string& name = u.name->text.bytes();
  if (u.unsafe) return fmt::format("access to attribute '{}' of a {} is unsafe", name, u.owner);
  if (u.owner == nullptr) return fmt::format("'{}' is undefined", name);
  return fmt::format("'{}' has no attribute '{}'", u.owner, name);
}

void append_str(Runtime& rt, Text& out, const Value& v) {
  if (v.is_string()) {
    rt.check_text_size(out.size() + v.text().size());
    out.append(v.text());
  } else if (!v.is_undefined()) {
    append_repr(rt, out, v);
  }
}

void append_repr(Runtime& rt, Text& out, const Value& v) {
  rt.step();
  if (v.is_string()) {
    const bool markup = v.as_string()->markup;
    if (markup) append_template(out, "Markup(");
    append_quoted(rt, out, v.text());
    if (markup) append_template(out, ")");
  } else if (v.is_object()) {
    rt.check_text_size(out.size());
    append_object(rt, out, v);
  } else if (v.is_undefined()) {
    append_template(out, "Undefined");
  } else if (v.is_none()) {
    append_template(out, "None");
  } else if (v.is_boolean()) {
    append_template(out, v.as_boolean() ? "True" : "False");
  } else if (v.is_integer()) {
    append_template(out, fmt::format("{}", v.as_integer()));
  } else {
    append_template(out, format_real(v.as_real()));
  }
}

std::string format_real(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d > 0 ? "inf" : "-inf";
  std::array<char, 32> buffer{};
  const auto r =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), d, std::chars_format::scientific);
  const std::string_view s(buffer.data(), static_cast<size_t>(r.ptr - buffer.data()));
  const size_t e = s.find('e');
  int exponent = 0;
  std::from_chars(s.data() + e + (s[e + 1] == '+' ? 2 : 1), s.data() + s.size(), exponent);
  std::string sign;
  std::string digits;
  for (const char c : s.substr(0, e)) {
    if (c == '-') sign = "-";
    if (c >= '0' && c <= '9') digits += c;
  }
  const auto n = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    return fmt::format("{}{}{}{}e{}{:02}", sign, digits[0], n > 1 ? "." : "",
                       std::string_view(digits).substr(1), exponent < 0 ? '-' : '+',
                       std::abs(exponent));
  }
  const std::string_view d10 = digits;
  if (exponent < 0) return fmt::format("{}0.{:0>{}}", sign, d10, n - exponent - 1);
  if (n <= exponent + 1) return fmt::format("{}{:0<{}}.0", sign, d10, exponent + 1);
  const auto whole = static_cast<size_t>(exponent) + 1;
  return fmt::format("{}{}.{}", sign, d10.substr(0, whole), d10.substr(whole));
}

}  // namespace wattle::chat::jinja
