// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/gbnf.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/utf8.h"
#include "wattle/error.h"

namespace wattle::grammar {
namespace {

constexpr bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Parser {
 public:
  Parser(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  Grammar run() {
    if (text_.size() > limits_.max_text_bytes) {
      fail(fmt::format("the grammar has {} bytes, expected at most {}", text_.size(),
                       limits_.max_text_bytes));
    }
    if (!utf8::is_valid(text_)) fail("the grammar is not UTF-8");
    skip_space(true);
    while (!at_end()) parse_rule();
    check_names();
    return std::move(grammar_);
  }

 private:
  bool at_end() const noexcept { return at_ == text_.size(); }
  char peek(size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool next_is(char c) const noexcept { return !at_end() && text_[at_] == c; }

  [[noreturn]] void fail_at(size_t at, const std::string& what, ErrorCode code,
                            const std::string& hint) const {
    const std::string_view before = text_.substr(0, at);
    const size_t line = 1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
    const size_t line_start =
        before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    throw Error(code,
                fmt::format("grammar, line {}, column {}: {}", line, at - line_start + 1, what),
                hint);
  }
  [[noreturn]] void fail(const std::string& what, const std::string& hint = {}) const {
    fail_at(at_, what, ErrorCode::bad_input, hint);
  }

  // "'x'", "a new line", "the end": what stands where something else was expected.
  std::string found() const {
    if (at_end()) return "the end of the grammar";
    if (peek() == '\n' || peek() == '\r') return "the end of the line";
    const auto c = utf8::decode(text_.substr(at_));
    return fmt::format("'{}'", text_.substr(at_, c.size_bytes));
  }
  [[noreturn]] void fail_expected(const char* expected) const {
    fail(fmt::format("found {}, expected {}", found(), expected));
  }

  void skip_space(bool newlines) {
    while (!at_end()) {
      const char c = peek();
      if (c == '#') {
        while (!at_end() && peek() != '\n' && peek() != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string_view parse_name() {
    const size_t begin = at_;
    while (!at_end() && is_name_char(peek())) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  uint32_t rule_index(std::string_view name) {
    const auto [it, is_new] = index_.try_emplace(std::string(name), grammar_.rules.size());
    if (is_new) {
      if (grammar_.rules.size() == limits_.max_rules) {
        fail(fmt::format("more than {} rules", limits_.max_rules));
      }
      grammar_.rules.push_back({.name = std::string(name), .body = {}});
      first_use_.push_back(at_ - name.size());
      defined_.push_back(false);
    }
    return static_cast<uint32_t>(it->second);
  }

  void parse_rule() {
    if (!is_name_char(peek())) fail_expected("the name of a rule: letters, digits and '-'");
    const size_t begin = at_;
    const std::string_view name = parse_name();
    const uint32_t index = rule_index(name);
    if (defined_[index]) {
      fail_at(begin, fmt::format("rule '{}' is defined twice", name), ErrorCode::bad_input, "");
    }
    defined_[index] = true;
    skip_space(false);
    if (text_.substr(at_, 3) != "::=") fail_expected("'::='");
    at_ += 3;
    skip_space(true);
    grammar_.rules[index].body = parse_choice(false, 0);
    if (!at_end() && peek() != '\n' && peek() != '\r') fail_expected("the end of the line");
    skip_space(true);
  }

  Expr parse_choice(bool nested, size_t depth) {
    if (depth > limits_.max_depth) {
      fail(fmt::format("parentheses nest more than {} levels deep", limits_.max_depth));
    }
    Expr choice{.kind = Expr::Kind::choice};
    choice.parts.push_back(parse_sequence(nested, depth));
    while (next_is('|')) {
      ++at_;
      skip_space(true);
      choice.parts.push_back(parse_sequence(nested, depth));
    }
    return choice.parts.size() == 1 ? std::move(choice.parts.front()) : std::move(choice);
  }

  Expr parse_sequence(bool nested, size_t depth) {
    Expr sequence{.kind = Expr::Kind::sequence};
    for (;;) {
      auto symbol = parse_symbol(depth);
      if (!symbol) break;
      skip_space(nested);
      for (size_t n = 0; parse_repetition(*symbol); ++n) {
        if (n == kMaxSuffixes) fail("too many repetitions of one symbol");
        skip_space(nested);
      }
      sequence.parts.push_back(*std::move(symbol));
    }
    return sequence.parts.size() == 1 ? std::move(sequence.parts.front()) : std::move(sequence);
  }

  // Nothing where the sequence ends.
  std::optional<Expr> parse_symbol(size_t depth) {
    if (at_end()) return std::nullopt;
    const char c = peek();
    if (c == '"') return parse_text();
    if (c == '[') return parse_class();
    if (c == '.') {
      ++at_;
      Expr any{.kind = Expr::Kind::chars};
      any.chars.add(0, kLastCodepoint);
      return any;
    }
    if (c == '(') {
      const size_t open = at_++;
      skip_space(true);
      Expr group = parse_choice(true, depth + 1);
      if (!next_is(')')) {
        fail_at(open, "this '(' is not closed", ErrorCode::bad_input, "");
      }
      ++at_;
      return group;
    }
    if (c == '<' || c == '!') {
      fail_at(at_, "references to tokens are not supported", ErrorCode::unsupported,
              "write the text as a literal; reasoning before the answer needs no rule");
    }
    if (is_name_char(c)) {
      return Expr{.kind = Expr::Kind::rule, .rule = rule_index(parse_name())};
    }
    return std::nullopt;
  }

  Expr parse_text() {
    const size_t open = at_++;
    Expr expr{.kind = Expr::Kind::text};
    while (!next_is('"')) {
      if (at_end() || peek() == '\n') {
        fail_at(open, "this '\"' is not closed", ErrorCode::bad_input,
                "a new line in a text is written \\n");
      }
      const size_t begin = at_;
      const char32_t c = parse_char();
      if (c >= 0xD800 && c <= 0xDFFF) {
        fail_at(begin, fmt::format("U+{:04X} is half of a character", static_cast<uint32_t>(c)),
                ErrorCode::bad_input, "write characters above U+FFFF as \\UHHHHHHHH");
      }
      utf8::append(expr.text, c);
    }
    ++at_;
    return expr;
  }

  Expr parse_class() {
    const size_t open = at_++;
    const bool negated = next_is('^');
    if (negated) ++at_;
    Expr expr{.kind = Expr::Kind::chars};
    while (!next_is(']')) {
      if (at_end() || peek() == '\n') {
        fail_at(open, "this '[' is not closed", ErrorCode::bad_input,
                "a new line in a set is written \\n");
      }
      const size_t begin = at_;
      const char32_t first = parse_char();
      char32_t last = first;
      if (next_is('-') && peek(1) != ']') {
        ++at_;
        last = parse_char();
      }
      if (last < first) {
        fail_at(begin, "this range runs backwards", ErrorCode::bad_input, "");
      }
      expr.chars.add(first, last);
    }
    ++at_;
    if (negated) expr.chars = expr.chars.complement();
    if (expr.chars.ranges().empty()) {
      fail_at(open, "no character is in this set", ErrorCode::bad_input, "");
    }
    return expr;
  }

  // One character of a text or a set, with its escape.
  char32_t parse_char() {
    if (at_end()) fail_expected("a character");
    if (peek() != '\\') {
      const auto c = utf8::decode(text_.substr(at_));
      at_ += c.size_bytes;
      return c.codepoint;
    }
    const char kind = peek(1);
    switch (kind) {
      case 'x': return parse_hex(2);
      case 'u': return parse_hex(4);
      case 'U': return parse_hex(8);
      default: break;
    }
    constexpr std::string_view kEscapes = "trn\\\"[]-";
    constexpr std::string_view kMeaning = "\t\r\n\\\"[]-";
    const size_t which = kind == '\0' ? std::string_view::npos : kEscapes.find(kind);
    if (which == std::string_view::npos) {
      fail("unknown escape",
           "known are \\t \\r \\n \\\\ \\\" \\[ \\] \\- \\xHH \\uHHHH \\UHHHHHHHH");
    }
    at_ += 2;
    return static_cast<unsigned char>(kMeaning[which]);
  }

  char32_t parse_hex(size_t n_digits) {
    const size_t begin = at_;
    at_ += 2;
    uint64_t value = 0;
    for (size_t i = 0; i < n_digits; ++i, ++at_) {
      const int digit = hex_value(peek());
      if (digit < 0) {
        fail_at(begin, fmt::format("expected {} hexadecimal digits", n_digits),
                ErrorCode::bad_input, "");
      }
      value = value * 16 + static_cast<uint64_t>(digit);
    }
    if (value > kLastCodepoint) {
      fail_at(begin, fmt::format("U+{:X} is no character", value), ErrorCode::bad_input, "");
    }
    return static_cast<char32_t>(value);
  }

  // Wraps `symbol` where one of * + ? {m,n} follows.
  bool parse_repetition(Expr& symbol) {
    uint32_t min = 0;
    std::optional<uint32_t> max;
    if (next_is('*')) {
      ++at_;
    } else if (next_is('+')) {
      ++at_;
      min = 1;
    } else if (next_is('?')) {
      ++at_;
      max = 1;
    } else if (next_is('{')) {
      parse_counts(min, max);
    } else {
      return false;
    }
    Expr repeat{.kind = Expr::Kind::repeat, .min = min, .max = max};
    repeat.parts.push_back(std::move(symbol));
    symbol = std::move(repeat);
    return true;
  }

  void parse_counts(uint32_t& min, std::optional<uint32_t>& max) {
    const size_t open = at_++;
    skip_space(false);
    min = parse_count();
    max = min;
    skip_space(false);
    if (next_is(',')) {
      ++at_;
      skip_space(false);
      max.reset();
      if (!next_is('}')) max = parse_count();
      skip_space(false);
    }
    if (!next_is('}')) fail_expected("'}'");
    ++at_;
    if (max && *max < min) {
      fail_at(open, fmt::format("{{{},{}}}: at most is less than at least", min, *max),
              ErrorCode::bad_input, "");
    }
  }

  uint32_t parse_count() {
    const size_t begin = at_;
    uint64_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + static_cast<uint64_t>(peek() - '0');
      ++at_;
      if (value > limits_.max_repeat) {
        fail_at(begin, fmt::format("more than {} repetitions", limits_.max_repeat),
                ErrorCode::bad_input, "use '*' or '+' where the number does not matter");
      }
    }
    if (at_ == begin) fail_expected("a number");
    return static_cast<uint32_t>(value);
  }

  void check_names() {
    for (size_t i = 0; i < grammar_.rules.size(); ++i) {
      if (defined_[i]) continue;
      fail_at(first_use_[i], fmt::format("no rule is called '{}'", grammar_.rules[i].name),
              ErrorCode::bad_input, "");
    }
    const auto root = index_.find("root");
    if (root == index_.end()) {
      throw Error(ErrorCode::bad_input, "grammar: it has no rule 'root'",
                  "the answer is what 'root' describes; name one of the rules so");
    }
    grammar_.root = static_cast<uint32_t>(root->second);
  }

  static constexpr size_t kMaxSuffixes = 8;

  const std::string_view text_;
  const Limits limits_;
  size_t at_ = 0;
  Grammar grammar_;
  std::map<std::string, size_t, std::less<>> index_;
  std::vector<size_t> first_use_;  // [n_rules]: where the name stands first
  std::vector<bool> defined_;      // [n_rules]
};

}  // namespace

Grammar parse_gbnf(std::string_view text, const Limits& limits) {
  return Parser(text, limits).run();
}

}  // namespace wattle::grammar
