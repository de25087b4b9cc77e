// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/string_methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "chat/jinja/access.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/print.h"
#include "chat/jinja/text_ops.h"
#include "chat/jinja/unicode.h"

namespace wattle::chat::jinja {
namespace {

// The result of a method that keeps the mark of `safe`.
Value same_kind(Runtime& rt, const Bound& a, Text text) {
  return rt.string(std::move(text), a[0].as_string()->markup);
}

// What a text marked safe takes in is escaped, unless it is marked itself.
Text taken_in(Runtime& rt, const Bound& a, const Value& v) {
  return a[0].as_string()->markup && !v.as_string()->markup ? escape_html(rt, v.text()) : v.text();
}

Value list_of(Runtime& rt, std::vector<Text> parts) {
  std::vector<Value> items;
  items.reserve(parts.size());
  for (Text& part : parts) items.push_back(rt.string(std::move(part)));
  return rt.list(std::move(items));
}

template <Side side>
Value method_strip(Runtime& rt, const Bound& a) {
  std::optional<std::string_view> chars;
  if (!a.absent_or_none(1)) chars = text_argument(rt, a, 1).view();
  return same_kind(rt, a, strip(rt, a[0].text(), chars, side));
}

template <Text (*fn)(const Text&)>
Value method_map(Runtime& rt, const Bound& a) {
  return same_kind(rt, a, fn(a[0].text()));
}

Value method_casefold(Runtime& rt, const Bound& a) {
  const Text& text = a[0].text();
  Text out;
  for (size_t pos = 0; pos < text.size();) {
    const size_t begin = pos;
    next_code_point(text.view(), pos);
    out.append(fold_case(text.view().substr(begin, pos - begin)), text.origin(begin));
  }
  return rt.string(std::move(out));
}

Value method_replace(Runtime& rt, const Bound& a) {
  text_argument(rt, a, 1);
  text_argument(rt, a, 2);
  return same_kind(rt, a,
                   replace(rt, a[0].text(), taken_in(rt, a, a[1]), taken_in(rt, a, a[2]),
                           integer_argument(rt, a, 3, -1)));
}

Value method_split(Runtime& rt, const Bound& a) {
  const int64_t max = integer_argument(rt, a, 2, -1);
  if (a.absent_or_none(1)) return list_of(rt, split_words(rt, a[0].text(), max));
  return list_of(rt, split(rt, a[0].text(), text_argument(rt, a, 1).view(), max));
}

Value method_rsplit(Runtime& rt, const Bound& a) {
  const int64_t max = integer_argument(rt, a, 2, -1);
  if (a.absent_or_none(1)) return list_of(rt, split_words_from_right(rt, a[0].text(), max));
  return list_of(rt, split_from_right(rt, a[0].text(), text_argument(rt, a, 1).view(), max));
}

Value method_splitlines(Runtime& rt, const Bound& a) {
  return list_of(rt, split_lines(rt, a[0].text(), flag_argument(a, 1, false)));
}

Value partition_at(Runtime& rt, const Bound& a, bool from_right) {
  const Text& text = a[0].text();
  const Text& separator = text_argument(rt, a, 1);
  if (separator.empty()) rt.fail("empty separator");
  const size_t at = from_right ? find_text_from_right(text.view(), separator.view())
                               : find_text(text.view(), separator.view());
  if (at == std::string_view::npos) {
    const Value empty = rt.string("");
    return from_right ? rt.tuple({empty, empty, a[0]}) : rt.tuple({a[0], empty, empty});
  }
  const size_t end = at + separator.size();
  return rt.tuple({rt.string(text.part(0, at)), rt.string(text.part(at, end)),
                   rt.string(text.part(end, text.size()))});
}

Value method_join(Runtime& rt, const Bound& a) {
  Text out;
  bool first = true;
  int64_t i = 0;
  for (const Value& item : iterate(rt, a[1])) {
    if (!item.is_string()) {
      rt.fail(fmt::format("join(): item {} is a '{}', expected a string", i, type_name(item)));
    }
    ++i;
    rt.check_text_size(out.size() + a[0].text().size() + item.text().size());
    if (!first) out.append(a[0].text());
    first = false;
    out.append(taken_in(rt, a, item));
  }
  return same_kind(rt, a, std::move(out));
}

// The part of the text that find, count and the like look at.
struct Window {
  std::string_view text;
  size_t begin = 0;
  int64_t first_index = 0;  // code points before it
  bool valid = true;        // false: the start lies behind the end of the text
};

Window window(Runtime& rt, const Bound& a) {
  const std::string_view s = a[0].view();
  Window w{s};
  if (a.absent_or_none(2) && a.absent_or_none(3)) return w;
  const auto size = static_cast<int64_t>(count_code_points(s));
  const auto clip = [&](size_t i, int64_t otherwise) {
    if (a.absent_or_none(i)) return otherwise;
    const int64_t v = integer_argument(rt, a, i);
    return v < 0 ? std::max<int64_t>(v < -size ? 0 : v + size, 0) : v;
  };
  w.first_index = clip(2, 0);
  const int64_t last = std::min(clip(3, size), size);
  w.valid = w.first_index <= size && w.first_index <= last;
  w.begin = byte_offset(s, w.first_index);
  const size_t end = byte_offset(s, last);
  w.text = w.valid ? s.substr(w.begin, end - w.begin) : std::string_view();
  return w;
}

int64_t find_in_window(Runtime& rt, const Bound& a, bool from_right) {
  const Window w = window(rt, a);
  const std::string_view wanted = text_argument(rt, a, 1).view();
  if (!w.valid) return -1;
  const size_t at = from_right ? find_text_from_right(w.text, wanted) : find_text(w.text, wanted);
  if (at == std::string_view::npos) return -1;
  return w.first_index + static_cast<int64_t>(count_code_points(w.text.substr(0, at)));
}

Value index_in_window(Runtime& rt, const Bound& a, bool from_right) {
  const int64_t at = find_in_window(rt, a, from_right);
  if (at < 0) rt.fail("substring not found");
  return Value::integer(at);
}

Value method_count(Runtime& rt, const Bound& a) {
  const Window w = window(rt, a);
  const std::string_view wanted = text_argument(rt, a, 1).view();
  if (!w.valid) return Value::integer(0);
  if (wanted.empty()) return Value::integer(static_cast<int64_t>(count_code_points(w.text)) + 1);
  int64_t n = 0;
  for (size_t pos = find_text(w.text, wanted); pos != std::string_view::npos;
       pos = find_text(w.text, wanted, pos + wanted.size())) {
    ++n;
  }
  return Value::integer(n);
}

Value affix_test(Runtime& rt, const Bound& a, bool at_end) {
  const Window w = window(rt, a);
  const auto matches = [&](const Value& v) {
    if (!v.is_string()) {
      rt.fail(fmt::format("{}() needs a string or a tuple of strings, got '{}'",
                          at_end ? "endswith" : "startswith", type_name(v)));
    }
    return w.valid && (at_end ? w.text.ends_with(v.view()) : w.text.starts_with(v.view()));
  };
  const auto* tuple = a[1].as<Sequence>();
  if (tuple == nullptr || tuple->kind != ObjectKind::tuple) return Value::boolean(matches(a[1]));
  return Value::boolean(std::any_of(tuple->items.begin(), tuple->items.end(), matches));
}

Value method_removeprefix(Runtime& rt, const Bound& a) {
  const Text& text = a[0].text();
  const Text& prefix = text_argument(rt, a, 1);
  if (!text.view().starts_with(prefix.view())) return a[0];
  return same_kind(rt, a, text.part(prefix.size(), text.size()));
}

Value method_removesuffix(Runtime& rt, const Bound& a) {
  const Text& text = a[0].text();
  const Text& suffix = text_argument(rt, a, 1);
  if (!text.view().ends_with(suffix.view())) return a[0];
  return same_kind(rt, a, text.part(0, text.size() - suffix.size()));
}

template <Align align>
Value method_pad(Runtime& rt, const Bound& a) {
  Text fill(" ", Origin::template_text);
  if (a.has(2)) fill = text_argument(rt, a, 2);
  if (count_code_points(fill.view()) != 1) rt.fail("the fill character must be one character");
  return same_kind(rt, a, pad(rt, a[0].text(), integer_argument(rt, a, 1), fill, align));
}

Value method_zfill(Runtime& rt, const Bound& a) {
  const Text& text = a[0].text();
  const int64_t width = integer_argument(rt, a, 1);
  const Text zero("0", Origin::template_text);
  const bool has_sign = !text.empty() && (text.view()[0] == '+' || text.view()[0] == '-');
  if (!has_sign) return same_kind(rt, a, pad(rt, text, width, zero, Align::right));
  Text out = text.part(0, 1);
  out.append(
      pad(rt, text.part(1, text.size()), std::max<int64_t>(width, 1) - 1, zero, Align::right));
  return same_kind(rt, a, std::move(out));
}

Value method_expandtabs(Runtime& rt, const Bound& a) {
  const Text& text = a[0].text();
  const int64_t width = integer_argument(rt, a, 1, 8);
  Text out;
  int64_t column = 0;
  for (size_t pos = 0; pos < text.size();) {
    const size_t begin = pos;
    const char32_t c = next_code_point(text.view(), pos);
    if (c == U'\t') {
      const int64_t n = width > 0 ? width - column % width : 0;
      rt.check_text_size(1, static_cast<size_t>(n));
      rt.check_text_size(out.size() + static_cast<size_t>(n));
      out.append(std::string(static_cast<size_t>(n), ' '), text.origin(begin));
      column += n;
    } else {
      out.append(text, begin, pos);
      column = c == U'\n' || c == U'\r' ? 0 : column + 1;
    }
  }
  return same_kind(rt, a, std::move(out));
}

template <bool (*fn)(char32_t)>
bool all_code_points(std::string_view s) {
  for (size_t pos = 0; pos < s.size();) {
    if (!fn(next_code_point(s, pos))) return false;
  }
  return !s.empty();
}

bool is_alnum(char32_t c) { return is_alpha(c) || is_numeric(c); }

template <bool (*fn)(char32_t)>
Value method_is(Runtime&, const Bound& a) {
  return Value::boolean(all_code_points<fn>(a[0].view()));
}

bool is_one_case(std::string_view s, bool (*wanted)(char32_t), bool (*other)(char32_t)) {
  bool any = false;
  for (size_t pos = 0; pos < s.size();) {
    const char32_t c = next_code_point(s, pos);
    if (other(c) || is_title(c)) return false;
    any = any || wanted(c);
  }
  return any;
}

bool is_title_case(std::string_view s) {
  bool any = false;
  bool inside_word = false;
  for (size_t pos = 0; pos < s.size();) {
    const char32_t c = next_code_point(s, pos);
    if ((is_upper(c) || is_title(c)) ? inside_word : is_lower(c) && !inside_word) return false;
    inside_word = is_cased(c);
    any = any || inside_word;
  }
  return any;
}

bool all_printable(std::string_view s) { return s.empty() || all_code_points<is_printable>(s); }
bool all_ascii(std::string_view s) {
  return std::all_of(s.begin(), s.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}
bool is_upper_text(std::string_view s) { return is_one_case(s, is_upper, is_lower); }
bool is_lower_text(std::string_view s) { return is_one_case(s, is_lower, is_upper); }

template <bool (*fn)(std::string_view)>
Value method_is_text(Runtime&, const Bound& a) {
  return Value::boolean(fn(a[0].view()));
}

Value method_format(Runtime& rt, const Bound& a) {
  if (a[0].as_string()->markup) rt.fail("format() on a text marked safe is not supported");
  return rt.string(format_braces(rt, a[0].text(), a.rest));
}

// These exist in Python, so `is defined` holds for them.
Value method_unsupported(Runtime& rt, const Bound&) {
  rt.fail("encode(), translate() and format_map() are not supported");
}

constexpr std::array kMethods = std::to_array<Builtin>({
    {"capitalize", method_map<capitalize>, {"self"}, 1},
    {"casefold", method_casefold, {"self"}, 1},
    {"center", method_pad<Align::center>, {"self", "width", "fillchar"}, 2},
    {"count", method_count, {"self", "sub", "start", "end"}, 2},
    {"encode", method_unsupported, {"self"}, 1, true},
    {"endswith",
     [](Runtime& rt, const Bound& a) { return affix_test(rt, a, true); },
     {"self", "suffix", "start", "end"},
     2},
    {"expandtabs", method_expandtabs, {"self", "tabsize"}, 1},
    {"find",
     [](Runtime& rt, const Bound& a) { return Value::integer(find_in_window(rt, a, false)); },
     {"self", "sub", "start", "end"},
     2},
    {"format", method_format, {"self"}, 1, true},
    {"format_map", method_unsupported, {"self"}, 1, true},
    {"index",
     [](Runtime& rt, const Bound& a) { return index_in_window(rt, a, false); },
     {"self", "sub", "start", "end"},
     2},
    {"isalnum", method_is<is_alnum>, {"self"}, 1},
    {"isalpha", method_is<is_alpha>, {"self"}, 1},
    {"isascii", method_is_text<all_ascii>, {"self"}, 1},
    {"isdecimal", method_is<is_decimal>, {"self"}, 1},
    {"isdigit", method_is<is_digit>, {"self"}, 1},
    {"isidentifier", method_is_text<is_identifier>, {"self"}, 1},
    {"islower", method_is_text<is_lower_text>, {"self"}, 1},
    {"isnumeric", method_is<is_numeric>, {"self"}, 1},
    {"isprintable", method_is_text<all_printable>, {"self"}, 1},
    {"isspace", method_is<is_space>, {"self"}, 1},
    {"istitle", method_is_text<is_title_case>, {"self"}, 1},
    {"isupper", method_is_text<is_upper_text>, {"self"}, 1},
    {"join", method_join, {"self", "iterable"}, 2},
    {"ljust", method_pad<Align::left>, {"self", "width", "fillchar"}, 2},
    {"lower", method_map<lower>, {"self"}, 1},
    {"lstrip", method_strip<Side::left>, {"self", "chars"}, 1},
    {"partition",
     [](Runtime& rt, const Bound& a) { return partition_at(rt, a, false); },
     {"self", "sep"},
     2},
    {"removeprefix", method_removeprefix, {"self", "prefix"}, 2},
    {"removesuffix", method_removesuffix, {"self", "suffix"}, 2},
    {"replace", method_replace, {"self", "old", "new", "count"}, 3},
    {"rfind",
     [](Runtime& rt, const Bound& a) { return Value::integer(find_in_window(rt, a, true)); },
     {"self", "sub", "start", "end"},
     2},
    {"rindex",
     [](Runtime& rt, const Bound& a) { return index_in_window(rt, a, true); },
     {"self", "sub", "start", "end"},
     2},
    {"rjust", method_pad<Align::right>, {"self", "width", "fillchar"}, 2},
    {"rpartition",
     [](Runtime& rt, const Bound& a) { return partition_at(rt, a, true); },
     {"self", "sep"},
     2},
    {"rsplit", method_rsplit, {"self", "sep", "maxsplit"}, 1},
    {"rstrip", method_strip<Side::right>, {"self", "chars"}, 1},
    {"split", method_split, {"self", "sep", "maxsplit"}, 1},
    {"splitlines", method_splitlines, {"self", "keepends"}, 1},
    {"startswith",
     [](Runtime& rt, const Bound& a) { return affix_test(rt, a, false); },
     {"self", "prefix", "start", "end"},
     2},
    {"strip", method_strip<Side::both>, {"self", "chars"}, 1},
    {"swapcase", method_map<swap_case>, {"self"}, 1},
    {"title", method_map<title>, {"self"}, 1},
    {"translate", method_unsupported, {"self"}, 1, true},
    {"upper", method_map<upper>, {"self"}, 1},
    {"zfill", method_zfill, {"self", "width"}, 2},
});

}  // namespace

std::span<const Builtin> string_methods() noexcept { return kMethods; }

}  // namespace wattle::chat::jinja
