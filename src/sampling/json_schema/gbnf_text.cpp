// SPDX-License-Identifier: Apache-2.0
#include "sampling/json_schema/gbnf_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/utf8.h"

namespace wattle::json_schema {
namespace {

// As it may stand in literals and classes alike.
std::string escaped(char32_t c) {
  switch (c) {
    case U'\n': return "\\n";
    case U'\r': return "\\r";
    case U'\t': return "\\t";
    case U'"': return "\\\"";
    case U'\\': return "\\\\";
    case U'[': return "\\[";
    case U']': return "\\]";
    case U'-': return "\\-";
    default: break;
  }
  if (c < 0x20 || c == 0x7F || c == U'^') return fmt::format("\\x{:02X}", static_cast<uint32_t>(c));
  std::string text;
  utf8::append(text, c);
  return text;
}

// The characters that must be escaped within a JSON string.
bool needs_escape(char32_t c) { return c < 0x20 || c == U'"' || c == U'\\'; }

}  // namespace

std::string literal(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto c = utf8::decode(text);
    // Only within classes do these mean something.
    const bool is_plain =
        c.codepoint == U'[' || c.codepoint == U']' || c.codepoint == U'-' || c.codepoint == U'^';
    out += is_plain ? std::string(1, static_cast<char>(c.codepoint)) : escaped(c.codepoint);
    text.remove_prefix(c.size_bytes);
  }
  return out + '"';
}

std::string char_class(const grammar::CharSet& chars) {
  std::string out = "[";
  for (const grammar::CharRange& range : chars.ranges()) {
    out += escaped(range.first);
    if (range.last > range.first + 1) out += '-';
    if (range.last > range.first) out += escaped(range.last);
  }
  return out + ']';
}

std::string json_char(const grammar::CharSet& chars) {
  grammar::CharSet plain;
  std::string options;
  const auto add_option = [&](const std::string& option) {
    options += (options.empty() ? "" : " | ") + option;
  };
  for (const grammar::CharRange& range : chars.ranges()) {
    char32_t begin = range.first;
    // What must be escaped lies below 0x60; the rest of the range is taken as a whole.
    for (char32_t c = range.first; c <= range.last && c < 0x60; ++c) {
      if (!needs_escape(c)) continue;
      if (c > begin) plain.add(begin, c - 1);
      begin = c + 1;
      std::string text;
      utf8::append(text, c);
      add_option(json_literal(text));
    }
    if (begin <= range.last) plain.add(begin, range.last);
  }
  if (!plain.ranges().empty()) add_option(char_class(plain));
  return options.find(" | ") == std::string::npos ? options : "(" + options + ")";
}

std::string json_literal(std::string_view text) {
  const std::string quoted = nlohmann::json(text).dump();
  return literal(std::string_view(quoted).substr(1, quoted.size() - 2));
}

}  // namespace wattle::json_schema
