// SPDX-License-Identifier: Apache-2.0
// Filters that make text of text.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "chat/jinja/access.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/text_ops.h"
#include "chat/jinja/unicode.h"

namespace wattle::chat::jinja {
namespace {

bool is_markup(const Value& v) { return v.is_string() && v.as_string()->markup; }

template <Text (*fn)(const Text&)>
Value filter_map(Runtime& rt, const Bound& a) {
  return rt.string(fn(soft_text(rt, a[0])), is_markup(a[0]));
}

Value filter_trim(Runtime& rt, const Bound& a) {
  const Text text = soft_text(rt, a[0]);
  std::optional<std::string_view> chars;
  if (!a.absent_or_none(1)) chars = text_argument(rt, a, 1).view();
  return rt.string(strip(rt, text, chars, Side::both), is_markup(a[0]));
}

Value filter_replace(Runtime& rt, const Bound& a) {
  const int64_t count = a.absent_or_none(3) ? -1 : integer_argument(rt, a, 3);
  return rt.string(
      replace(rt, soft_text(rt, a[0]), soft_text(rt, a[1]), soft_text(rt, a[2]), count));
}

Value filter_center(Runtime& rt, const Bound& a) {
  return rt.string(pad(rt, soft_text(rt, a[0]), integer_argument(rt, a, 1, 80),
                       Text(" ", Origin::template_text), Align::center));
}

// A capital at the begin and behind white space, "-", "(", "{", "[" and "<" only, unlike
// str.title().
Value filter_title(Runtime& rt, const Bound& a) {
  const Text text = soft_text(rt, a[0]);
  const std::string_view s = text.view();
  Text out;
  bool at_begin = true;
  for (size_t pos = 0; pos < s.size();) {
    const size_t begin = pos;
    const char32_t c = next_code_point(s, pos);
    const bool separates =
        is_space(c) || c == U'-' || c == U'(' || c == U'{' || c == U'[' || c == U'<';
    out.append(at_begin ? to_upper(c) : lower_at(s, begin), text.origin(begin));
    at_begin = separates;
  }
  return rt.string(std::move(out));
}

Value filter_indent(Runtime& rt, const Bound& a) {
  const Text text = text_argument(rt, a, 0);
  const bool first = flag_argument(a, 2, false);
  const bool blank = flag_argument(a, 3, false);
  Text indent;
  if (a.has(1) && a[1].is_string()) {
    indent = a[1].text();
  } else {
    const int64_t width = std::max<int64_t>(integer_argument(rt, a, 1, 4), 0);
    rt.check_text_size(1, static_cast<size_t>(width));
    indent = Text(std::string(static_cast<size_t>(width), ' '), Origin::template_text);
  }
  // As Jinja does it: with one more line break, so that one at the end is kept.
  Text with_break = text;
  with_break.append("\n", Origin::template_text);
  const std::vector<Text> lines = split_lines(rt, with_break, false);
  Text out;
  if (first) out.append(indent);
  for (size_t i = 0; i < lines.size(); ++i) {
    rt.check_text_size(out.size() + indent.size() + lines[i].size());
    rt.step_bytes(indent.size() + lines[i].size() + 64);
    if (i > 0) {
      out.append("\n", Origin::template_text);
      if (blank || !lines[i].empty()) out.append(indent);
    }
    out.append(lines[i]);
  }
  return rt.string(std::move(out), is_markup(a[0]));
}

Value filter_truncate(Runtime& rt, const Bound& a) {
  const int64_t length = integer_argument(rt, a, 1, 255);
  const bool kill_words = flag_argument(a, 2, false);
  const Text end = a.has(3) ? soft_text(rt, a[3]) : Text("...", Origin::template_text);
  const int64_t leeway = a.absent_or_none(4) ? 5 : integer_argument(rt, a, 4);
  const auto end_size = static_cast<int64_t>(count_code_points(end.view()));
  if (length < end_size)
    rt.fail(fmt::format("truncate: length {} is below that of the end", length));
  if (leeway < 0) rt.fail("truncate: the leeway must not be negative");
  const int64_t size = wattle::chat::jinja::length(rt, a[0]);
  if (size <= length || size - length <= leeway) return a[0];
  const Text& text = text_argument(rt, a, 0);
  Text cut = text.part(0, byte_offset(text.view(), length - end_size));
  if (!kill_words) cut = split_from_right(rt, cut, " ", 1)[0];
  cut.append(end);
  return rt.string(std::move(cut));
}

Value filter_wordcount(Runtime& rt, const Bound& a) {
  const Text text = soft_text(rt, a[0]);
  int64_t n = 0;
  bool inside = false;
  for (size_t pos = 0; pos < text.size();) {
    const char32_t c = next_code_point(text.view(), pos);
    const bool word = is_alpha(c) || is_numeric(c) || c == U'_';
    if (word && !inside) ++n;
    inside = word;
  }
  return Value::integer(n);
}

Value filter_string(Runtime& rt, const Bound& a) {
  return a[0].is_string() ? a[0] : rt.string(soft_text(rt, a[0]));
}

Value filter_safe(Runtime& rt, const Bound& a) { return rt.string(soft_text(rt, a[0]), true); }

Value filter_escape(Runtime& rt, const Bound& a) {
  if (is_markup(a[0])) return a[0];
  return rt.string(escape_html(rt, soft_text(rt, a[0])), true);
}

Value filter_forceescape(Runtime& rt, const Bound& a) {
  return rt.string(escape_html(rt, soft_text(rt, a[0])), true);
}

Text url_quote(Runtime& rt, const Text& text, bool for_query) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~";
  rt.check_text_size(3, text.size());
  Text out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text.view()[i];
    if (kUnreserved.find(c) != std::string_view::npos || (c == '/' && !for_query)) {
      out.append(text, i, i + 1);
    } else if (c == ' ' && for_query) {
      out.append("+", text.origin(i));
    } else {
      out.append(fmt::format("%{:02X}", static_cast<unsigned char>(c)), text.origin(i));
    }
  }
  return out;
}

Value filter_urlencode(Runtime& rt, const Bound& a) {
  if (!is_iterable(a[0]) || a[0].is_string() || a[0].is_undefined()) {
    return rt.string(url_quote(rt, soft_text(rt, a[0]), false));
  }
  std::vector<std::pair<Value, Value>> pairs;
  if (const auto* dict = a[0].as<Dict>()) {
    pairs = dict->entries;
  } else {
    for (const Value& item : iterate(rt, a[0])) {
      const std::vector<Value> pair = iterate(rt, item);
      if (pair.size() != 2) rt.fail("urlencode needs a string, a dict or pairs");
      pairs.emplace_back(pair[0], pair[1]);
    }
  }
  Text out;
  for (const auto& [key, value] : pairs) {
    if (!out.empty()) out.append("&", Origin::template_text);
    out.append(url_quote(rt, soft_text(rt, key), true));
    out.append("=", Origin::template_text);
    out.append(url_quote(rt, soft_text(rt, value), true));
    rt.check_text_size(out.size());
  }
  return rt.string(std::move(out));
}

// 'format'|format(a, b), with %.
Value filter_format(Runtime& rt, const Bound& a) {
  if (!a.rest.positional.empty() && !a.rest.keyword.empty()) {
    rt.fail("format takes positional or named arguments, not both");
  }
  Value arguments;
  if (a.rest.keyword.empty()) {
    arguments = rt.tuple(a.rest.positional);
  } else {
    auto* dict = rt.make<Dict>();
    for (const auto& [name, value] : a.rest.keyword) dict->set(Value::string(name), value);
    arguments = Value::object(dict);
  }
  if (is_markup(a[0])) rt.fail("format on a text marked safe is not supported");
  return rt.string(format_percent(rt, soft_text(rt, a[0]), arguments));
}

constexpr std::array kFilters = std::to_array<Builtin>({
    {"capitalize", filter_map<capitalize>, {"value"}, 1},
    {"center", filter_center, {"value", "width"}, 1},
    {"e", filter_escape, {"value"}, 1},
    {"escape", filter_escape, {"value"}, 1},
    {"forceescape", filter_forceescape, {"value"}, 1},
    {"format", filter_format, {"value"}, 1, true},
    {"indent", filter_indent, {"value", "width", "first", "blank"}, 1},
    {"lower", filter_map<lower>, {"value"}, 1},
    {"replace", filter_replace, {"value", "old", "new", "count"}, 3},
    {"safe", filter_safe, {"value"}, 1},
    {"string", filter_string, {"value"}, 1},
    {"title", filter_title, {"value"}, 1},
    {"trim", filter_trim, {"value", "chars"}, 1},
    {"truncate", filter_truncate, {"value", "length", "killwords", "end", "leeway"}, 1},
    {"upper", filter_map<upper>, {"value"}, 1},
    {"urlencode", filter_urlencode, {"value"}, 1},
    {"wordcount", filter_wordcount, {"value"}, 1},
});

}  // namespace

std::span<const Builtin> text_filters() noexcept { return kFilters; }

}  // namespace wattle::chat::jinja
