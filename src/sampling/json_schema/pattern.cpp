// SPDX-License-Identifier: Apache-2.0
#include "sampling/json_schema/pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "sampling/grammar/char_set.h"
#include "sampling/json_schema/gbnf_text.h"
#include "wattle/error.h"

namespace wattle::json_schema {
namespace {

using grammar::CharSet;
using grammar::kLastCodepoint;

constexpr size_t kMaxDepth = 50;
constexpr std::string_view kEscapable = "^$\\.*+?()[]{}|/-\"'# ,:@&=!<>~%;`";

CharSet digits() {
  CharSet set;
  set.add('0', '9');
  return set;
}

CharSet word_chars() {
  CharSet set = digits();
  set.add('A', 'Z');
  set.add('a', 'z');
  set.add('_', '_');
  return set;
}

// As JavaScript defines \s.
CharSet white_space() {
  CharSet set;
  set.add('\t', '\r');
  for (const char32_t c : {U' ', U'\u00A0', U'\u1680', U'\u2028', U'\u2029', U'\u202F', U'\u205F',
                           U'\u3000', U'\uFEFF'}) {
    set.add(c, c);
  }
  set.add(U'\u2000', U'\u200A');
  return set;
}

CharSet not_a_newline() {
  CharSet set;
  for (const char32_t c : {U'\n', U'\r', U'\u2028', U'\u2029'}) set.add(c, c);
  return set.complement();
}

class PatternParser {
 public:
  PatternParser(std::string_view pattern, std::string_view where, std::string_view any_char)
      : pattern_(pattern), where_(where), any_char_(any_char) {}

  std::string run() {
    std::string all;
    do {
      all += (all.empty() ? "" : " | ") + anchored();
    } while (take('|'));
    if (!at_end()) fail("this ')' has no '('");
    return "(" + all + ")";
  }

 private:
  bool at_end() const noexcept { return at_ == pattern_.size(); }
  char peek() const noexcept { return at_end() ? '\0' : pattern_[at_]; }
  bool take(char c) noexcept {
    if (at_end() || pattern_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view text) noexcept {
    if (!pattern_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  [[noreturn]] void fail(const char* what, ErrorCode code = ErrorCode::bad_input) const {
    throw Error(code, fmt::format("{}: '{}', character {}: {}", where_, pattern_, at_ + 1, what));
  }
  [[noreturn]] void refuse(const char* what) const { fail(what, ErrorCode::unsupported); }

  // An alternative of the whole pattern, the only place where ^ and $ are known.
  std::string anchored() {
    const std::string anything = fmt::format("{}*", any_char_);
    const bool from_start = take('^');
    std::string inner = sequence(0);
    const bool to_end = take('$');
    if (!at_end() && peek() != '|' && peek() != ')') refuse("'$' is known only at the end");
    if (!from_start) inner = anything + " " + inner;
    if (!to_end) inner += " " + anything;
    return inner;
  }

  std::string alternatives(size_t depth) {
    if (depth > kMaxDepth) fail("groups nest too deep");
    std::string all = sequence(depth);
    while (take('|')) all += " | " + sequence(depth);
    return all;
  }

  std::string sequence(size_t depth) {
    std::string all;
    while (!at_end() && peek() != '|' && peek() != ')' && peek() != '$') {
      if (!all.empty()) all += ' ';
      all += atom(depth);
      all += quantifier();
    }
    return all.empty() ? "\"\"" : all;
  }

  std::string atom(size_t depth) {
    if (peek() == '^') refuse("'^' is known only at the begin");
    if (peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{') {
      fail("there is nothing to repeat");
    }
    if (take('(')) {
      if (!take("?:") && peek() == '?') refuse("this kind of group is not supported");
      std::string inner = alternatives(depth + 1);
      if (peek() == '$') refuse("'$' is known only at the end");
      if (!take(')')) fail("a '(' is not closed");
      return "(" + inner + ")";
    }
    if (take('[')) return json_char(char_class_body());
    if (take('.')) return json_char(not_a_newline());
    if (take('\\')) {
      if (auto set = class_escape()) return json_char(*set);
      return one_char(char_escape());
    }
    return one_char(plain_char());
  }

  static std::string one_char(char32_t c) {
    CharSet set;
    set.add(c, c);
    return json_char(set);
  }

  char32_t plain_char() {
    const auto c = utf8::decode(pattern_.substr(at_));
    at_ += c.size_bytes;
    return c.codepoint;
  }

  // \d and its kind, behind the backslash.
  std::optional<CharSet> class_escape() {
    if (take('d')) return digits();
    if (take('D')) return digits().complement();
    if (take('w')) return word_chars();
    if (take('W')) return word_chars().complement();
    if (take('s')) return white_space();
    if (take('S')) return white_space().complement();
    return std::nullopt;
  }

  // An escape that stands for one character, behind the backslash.
  char32_t char_escape() {
    if (at_end()) fail("nothing follows the backslash");
    if (take('n')) return U'\n';
    if (take('r')) return U'\r';
    if (take('t')) return U'\t';
    if (take('f')) return U'\f';
    if (take('v')) return U'\v';
    if (take("u{")) {
      const char32_t c = hex(1, 6);
      if (!take('}')) fail("expected '}'");
      return c;
    }
    if (take('x')) return hex(2, 2);
    if (take('u')) return hex(4, 4);
    const char c = peek();
    if (kEscapable.find(c) == std::string_view::npos) refuse("this escape is not supported");
    ++at_;
    return static_cast<unsigned char>(c);
  }

  char32_t hex(size_t min_digits, size_t max_digits) {
    uint32_t value = 0;
    size_t n = 0;
    for (; n < max_digits && !at_end(); ++n, ++at_) {
      const char c = peek();
      const size_t digit = std::string_view("0123456789abcdef")
                               .find(c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c);
      if (digit == std::string_view::npos) break;
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    if (n < min_digits) fail("expected hexadecimal digits");
    if (value > kLastCodepoint || (value >= 0xD800 && value <= 0xDFFF))
      refuse("this is no character");
    return value;
  }

  CharSet char_class_body() {
    const bool negated = take('^');
    CharSet set;
    bool is_empty = true;
    while (!take(']')) {
      if (at_end()) fail("a '[' is not closed");
      is_empty = false;
      if (auto known = take_class_escape()) {
        for (const auto& range : known->ranges()) set.add(range.first, range.last);
        continue;
      }
      const char32_t first = class_char();
      char32_t last = first;
      if (pattern_.substr(at_).starts_with('-') && !pattern_.substr(at_).starts_with("-]")) {
        ++at_;
        if (take_class_escape()) fail("a range needs a character at both ends");
        last = class_char();
        if (last < first) fail("this range runs backwards");
      }
      set.add(first, last);
    }
    if (negated) set = set.complement();
    if (is_empty || set.ranges().empty()) refuse("no character is in this set");
    return set;
  }

  std::optional<CharSet> take_class_escape() {
    if (peek() != '\\') return std::nullopt;
    ++at_;
    auto set = class_escape();
    if (!set) --at_;
    return set;
  }

  char32_t class_char() {
    if (at_end()) fail("a '[' is not closed");
    if (take("\\b")) return U'\b';
    return take('\\') ? char_escape() : plain_char();
  }

  std::string quantifier() {
    std::string text;
    if (take('*')) {
      text = "*";
    } else if (take('+')) {
      text = "+";
    } else if (take('?')) {
      text = "?";
    } else if (take('{')) {
      const std::string min = number();
      if (min.empty()) refuse("'{' begins a repetition; a plain one is written \\{");
      text = "{" + min;
      if (take(',')) {
        const std::string max = number();
        if (!max.empty() && std::stoul(max) < std::stoul(min))
          fail("at most is less than at least");
        text += "," + max;
      }
      if (!take('}')) fail("expected '}'");
      text += "}";
    }
    if (!text.empty()) take('?');
    return text;
  }

  std::string number() {
    const size_t begin = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    const std::string_view digits = pattern_.substr(begin, at_ - begin);
    if (digits.size() > 4) refuse("more than 9999 repetitions");
    return std::string(digits);
  }

  const std::string_view pattern_;
  const std::string_view where_;
  const std::string_view any_char_;
  size_t at_ = 0;
};

}  // namespace

std::string pattern_to_gbnf(std::string_view pattern, std::string_view where,
                            std::string_view any_char) {
  return PatternParser(pattern, where, any_char).run();
}

}  // namespace wattle::json_schema
