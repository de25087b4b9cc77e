// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/text_ops.h"

#include <algorithm>

#include "chat/jinja/unicode.h"

namespace wattle::chat::jinja {
namespace {

// A part takes memory that is not charged before it becomes a value.
constexpr uint64_t kStepsPerPart = 16;

bool contains_code_point(std::string_view chars, char32_t wanted) noexcept {
  for (size_t pos = 0; pos < chars.size();) {
    if (next_code_point(chars, pos) == wanted) return true;
  }
  return false;
}

// Maps every code point; fn(code point, begin) gives its replacement as UTF-8.
template <class Fn>
Text map_code_points(const Text& text, const Fn& fn) {
  Text out;
  const std::string_view s = text.view();
  for (size_t pos = 0; pos < s.size();) {
    const size_t begin = pos;
    const char32_t c = next_code_point(s, pos);
    out.append(fn(c, begin), text.origin(begin));
  }
  return out;
}

bool is_line_break(char32_t c) noexcept {
  return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

// Up to this size the plain search is the fast one, and its worst case bearable.
constexpr size_t kShortText = 64;

// Knuth, Morris, Pratt: no byte of the text is looked at twice. `wanted` is not empty, and no
// longer than the text, which is what callers count as work.
template <class Iterator>
Iterator search_long(const Iterator& begin, const Iterator& end, const Iterator& wanted,
                     size_t wanted_size) {
  // How much of the beginning of `wanted` is also the end of its first i + 1 bytes.
  std::vector<uint32_t> border(wanted_size);
  const auto extend = [&](uint32_t matched, char c) {
    while (matched > 0 && wanted[matched] != c) matched = border[matched - 1];
    return wanted[matched] == c ? matched + 1 : 0;
  };
  for (size_t i = 1; i < wanted_size; ++i) border[i] = extend(border[i - 1], wanted[i]);
  uint32_t matched = 0;
  for (Iterator at = begin; at != end; ++at) {
    matched = extend(matched, *at);
    if (matched == wanted_size) return at - (wanted_size - 1);
  }
  return end;
}

void fail_if_empty(Runtime& rt, std::string_view separator) {
  if (separator.empty()) rt.fail("empty separator");
}

}  // namespace

size_t find_text(std::string_view text, std::string_view wanted, size_t from) {
  if (wanted.size() <= kShortText) return text.find(wanted, from);
  if (from > text.size() || wanted.size() > text.size() - from) return std::string_view::npos;
  const auto at = search_long(text.begin() + from, text.end(), wanted.begin(), wanted.size());
  return at == text.end() ? std::string_view::npos : static_cast<size_t>(at - text.begin());
}

size_t find_text_from_right(std::string_view text, std::string_view wanted) {
  if (wanted.size() <= kShortText) return text.rfind(wanted);
  if (wanted.size() > text.size()) return std::string_view::npos;
  const auto at = search_long(text.rbegin(), text.rend(), wanted.rbegin(), wanted.size());
  return at == text.rend() ? std::string_view::npos
                           : static_cast<size_t>(text.rend() - at) - wanted.size();
}

Text strip(Runtime& rt, const Text& text, std::optional<std::string_view> chars, Side side) {
  const std::string_view s = text.view();
  const auto goes = [&](char32_t c) {
    if (!chars) return is_space(c);
    rt.step_bytes(chars->size());
    return contains_code_point(*chars, c);
  };
  size_t begin = 0;
  size_t end = s.size();
  while (has_side(side, Side::left) && begin < end) {
    size_t next = begin;
    if (!goes(next_code_point(s, next))) break;
    begin = next;
  }
  while (has_side(side, Side::right) && end > begin) {
    size_t before = end;
    if (!goes(previous_code_point(s, before))) break;
    end = before;
  }
  return text.part(begin, end);
}

Text upper(const Text& text) {
  return map_code_points(text, [](char32_t c, size_t) { return to_upper(c); });
}

Text lower(const Text& text) {
  return map_code_points(text,
                         [&](char32_t, size_t begin) { return lower_at(text.view(), begin); });
}

Text swap_case(const Text& text) {
  return map_code_points(text, [&](char32_t c, size_t begin) {
    return is_upper(c) ? lower_at(text.view(), begin) : to_upper(c);
  });
}

Text capitalize(const Text& text) {
  return map_code_points(text, [&](char32_t c, size_t begin) {
    return begin == 0 ? to_title(c) : lower_at(text.view(), begin);
  });
}

Text title(const Text& text) {
  bool inside_word = false;
  return map_code_points(text, [&](char32_t c, size_t begin) {
    std::string mapped = inside_word ? lower_at(text.view(), begin) : to_title(c);
    inside_word = is_cased(c);
    return mapped;
  });
}

Text replace(Runtime& rt, const Text& text, const Text& from, const Text& to, int64_t count) {
  const std::string_view s = text.view();
  Text out;
  size_t plain = 0;
  size_t pos = 0;
  for (int64_t done = 0; count < 0 || done < count; ++done) {
    const size_t at = find_text(s, from.view(), pos);
    if (at == std::string_view::npos) break;
    rt.check_text_size(out.size() + (at - plain) + to.size());
    rt.step_bytes(to.size() + 32);
    out.append(text, plain, at);
    out.append(to);
    plain = at + from.size();
    pos = plain;
    if (from.empty()) {  // between all code points, and at both ends
      if (pos == s.size()) break;
      next_code_point(s, pos);
    }
  }
  out.append(text, plain, s.size());
  return out;
}

std::vector<Text> split(Runtime& rt, const Text& text, std::string_view separator, int64_t max) {
  fail_if_empty(rt, separator);
  std::vector<Text> parts;
  const std::string_view s = text.view();
  size_t begin = 0;
  while (max < 0 || parts.size() < static_cast<size_t>(max)) {
    const size_t at = find_text(s, separator, begin);
    if (at == std::string_view::npos) break;
    rt.step(kStepsPerPart);
    parts.push_back(text.part(begin, at));
    begin = at + separator.size();
  }
  parts.push_back(text.part(begin, s.size()));
  return parts;
}

std::vector<Text> split_from_right(Runtime& rt, const Text& text, std::string_view separator,
                                   int64_t max) {
  fail_if_empty(rt, separator);
  std::vector<Text> parts;
  const std::string_view s = text.view();
  size_t end = s.size();
  while (max < 0 || parts.size() < static_cast<size_t>(max)) {
    const size_t at = find_text_from_right(s.substr(0, end), separator);
    if (at == std::string_view::npos) break;
    rt.step(kStepsPerPart);
    parts.push_back(text.part(at + separator.size(), end));
    end = at;
  }
  parts.push_back(text.part(0, end));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Text> split_words(Runtime& rt, const Text& text, int64_t max) {
  std::vector<Text> parts;
  const std::string_view s = text.view();
  size_t pos = 0;
  while (true) {
    size_t begin = pos;
    while (begin < s.size()) {
      size_t next = begin;
      if (!is_space(next_code_point(s, next))) break;
      begin = next;
    }
    if (begin == s.size()) return parts;
    if (max >= 0 && parts.size() == static_cast<size_t>(max)) {
      parts.push_back(text.part(begin, s.size()));
      return parts;
    }
    pos = begin;
    while (pos < s.size()) {
      size_t next = pos;
      if (is_space(next_code_point(s, next))) break;
      pos = next;
    }
    rt.step(kStepsPerPart);
    parts.push_back(text.part(begin, pos));
  }
}

std::vector<Text> split_words_from_right(Runtime& rt, const Text& text, int64_t max) {
  std::vector<Text> parts;
  const std::string_view s = text.view();
  size_t pos = s.size();
  while (true) {
    size_t end = pos;
    while (end > 0) {
      size_t before = end;
      if (!is_space(previous_code_point(s, before))) break;
      end = before;
    }
    if (end == 0) break;
    if (max >= 0 && parts.size() == static_cast<size_t>(max)) {
      parts.push_back(text.part(0, end));
      break;
    }
    pos = end;
    while (pos > 0) {
      size_t before = pos;
      if (is_space(previous_code_point(s, before))) break;
      pos = before;
    }
    rt.step(kStepsPerPart);
    parts.push_back(text.part(pos, end));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Text> split_lines(Runtime& rt, const Text& text, bool keep_ends) {
  std::vector<Text> lines;
  const std::string_view s = text.view();
  size_t begin = 0;
  for (size_t pos = 0; pos < s.size();) {
    const size_t at = pos;
    const char32_t c = next_code_point(s, pos);
    if (!is_line_break(c)) continue;
    if (c == U'\r' && pos < s.size() && s[pos] == '\n') ++pos;
    rt.step(kStepsPerPart);
    lines.push_back(text.part(begin, keep_ends ? pos : at));
    begin = pos;
  }
  if (begin < s.size()) lines.push_back(text.part(begin, s.size()));
  return lines;
}

Text pad(Runtime& rt, const Text& text, int64_t width, const Text& fill, Align align) {
  const auto size = static_cast<int64_t>(count_code_points(text.view()));
  if (width <= size) return text;
  const int64_t n = width - size;
  rt.check_text_size(fill.size(), static_cast<size_t>(n));
  // Where both sides cannot get the same, Python's center() gives the odd one to the left if the
  // width is odd.
  const int64_t left = align == Align::left    ? 0
                       : align == Align::right ? n
                                               : n / 2 + (n & width & 1);
  Text out;
  for (int64_t i = 0; i < left; ++i) out.append(fill);
  out.append(text);
  for (int64_t i = left; i < n; ++i) out.append(fill);
  return out;
}

size_t byte_offset(std::string_view text, int64_t index) noexcept {
  size_t pos = 0;
  for (; index > 0 && pos < text.size(); --index) next_code_point(text, pos);
  return pos;
}

}  // namespace wattle::chat::jinja
