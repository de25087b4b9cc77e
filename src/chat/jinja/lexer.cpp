// SPDX-License-Identifier: Apache-2.0
#include "chat/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "chat/jinja/syntax_error.h"
#include "chat/jinja/unicode.h"

namespace wattle::chat::jinja {
namespace {

// Longest first, so that the first match is the right one.
constexpr std::array<std::string_view, 26> kOperators = {
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
    "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize_newlines(source)), s_(source_) {}

  std::vector<Token> run() {
    while (pos_ < s_.size()) lex_root();
    push(TokenKind::end);
    return std::move(tokens_);
  }

 private:
  // --- outside of tags ------------------------------------------------------------------------

  void lex_root() {
    const size_t open = find_tag(pos_);
    if (open == std::string_view::npos) {
      push_data(s_.substr(pos_));
      advance(s_.size());
      return;
    }
    const char kind = s_[open + 1];
    size_t inside = open + 2;
    const char sign =
        inside < s_.size() && (s_[inside] == '-' || s_[inside] == '+') ? s_[inside] : 0;
    if (sign != 0) ++inside;
    push_data(trimmed_before(s_.substr(pos_, open - pos_), sign, kind == '{'));
    if (kind == '%') {
      if (const auto body = match_raw_begin(inside)) {
        advance(*body);
        lex_raw();
        return;
      }
    }
    advance(open);
    if (kind != '#') push(kind == '{' ? TokenKind::variable_begin : TokenKind::block_begin);
    advance(inside);
    if (kind == '#') {
      lex_comment();
    } else {
      lex_tag(kind == '{');
    }
  }

  size_t find_tag(size_t from) const {
    for (size_t i = s_.find('{', from); i != std::string_view::npos; i = s_.find('{', i + 1)) {
      if (i + 1 < s_.size() && (s_[i + 1] == '{' || s_[i + 1] == '%' || s_[i + 1] == '#')) return i;
    }
    return std::string_view::npos;
  }

  // The text before a tag: "-" takes all white space, a block its indentation.
  std::string_view trimmed_before(std::string_view text, char sign, bool is_variable) const {
    if (sign == '-') {
      size_t end = text.size();
      while (end > 0) {
        size_t before = end;
        if (!is_space(previous_code_point(text, before))) break;
        end = before;
      }
      return text.substr(0, end);
    }
    if (sign == '+' || is_variable) return text;
    const size_t line_begin = text.rfind('\n') + 1;  // 0 where there is none
    if (line_begin == 0 && !at_line_start_) return text;
    for (size_t pos = line_begin; pos < text.size();) {
      if (!is_space(next_code_point(text, pos))) return text;
    }
    return text.substr(0, line_begin);
  }

  // The end of "{% raw %}" whose inside begins at `pos`, or nothing. No line break is trimmed.
  std::optional<size_t> match_raw_begin(size_t pos) const {
    pos = skip_space(pos);
    if (s_.substr(pos, 3) != "raw") return std::nullopt;
    pos = skip_space(pos + 3);
    if (s_.substr(pos, 3) == "-%}") return skip_space(pos + 3);
    if (s_.substr(pos, 2) == "%}") return pos + 2;
    return std::nullopt;
  }

  void lex_raw() {
    const uint32_t first_line = line_;
    at_line_start_ = pos_ > 0 && s_[pos_ - 1] == '\n';
    for (size_t open = s_.find("{%", pos_); open != std::string_view::npos;
         open = s_.find("{%", open + 2)) {
      size_t pos = open + 2;
      const char sign = pos < s_.size() && (s_[pos] == '-' || s_[pos] == '+') ? s_[pos] : 0;
      if (sign != 0) ++pos;
      pos = skip_space(pos);
      if (s_.substr(pos, 6) != "endraw") continue;
      const auto end = match_close(skip_space(pos + 6), "%}", true);
      if (!end) continue;
      push_data(trimmed_before(s_.substr(pos_, open - pos_), sign, false));
      close(*end);
      return;
    }
    syntax_error(first_line, "{% raw %} is not closed, expected {% endraw %}");
  }

  void lex_comment() {
    const uint32_t first_line = line_;
    const size_t i = s_.find("#}", pos_);
    if (i == std::string_view::npos)
      syntax_error(first_line, "a comment is not closed, expected '#}'");
    size_t end = i + 2;
    if (i > pos_ && s_[i - 1] == '-') {
      end = skip_space(end);
    } else if (!(i > pos_ && s_[i - 1] == '+') && end < s_.size() && s_[end] == '\n') {
      ++end;
    }
    close(end);
  }

  // --- inside of tags -------------------------------------------------------------------------

  void lex_tag(bool is_variable) {
    const uint32_t first_line = line_;
    std::string open;  // brackets not closed yet
    while (true) {
      advance(skip_space(pos_));
      if (pos_ == s_.size()) {
        syntax_error(first_line,
                     fmt::format("a tag is not closed, expected '{}'", is_variable ? "}}" : "%}"));
      }
      if (open.empty()) {
        if (const auto end = match_close(pos_, is_variable ? "}}" : "%}", !is_variable)) {
          push(is_variable ? TokenKind::variable_end : TokenKind::block_end);
          close(*end);
          return;
        }
      }
      if (lex_number() || lex_name() || lex_string()) continue;
      lex_operator(open);
    }
  }

  // The end of "-}}", "}}", ... at `pos` with the white space that goes along, or nothing.
  std::optional<size_t> match_close(size_t pos, std::string_view close, bool block) const {
    const char sign = pos < s_.size() ? s_[pos] : 0;
    if (sign == '-' && s_.substr(pos + 1, 2) == close) return skip_space(pos + 3);
    if (block && sign == '+' && s_.substr(pos + 1, 2) == close) return pos + 3;
    if (s_.substr(pos, 2) != close) return std::nullopt;
    pos += 2;
    return block && pos < s_.size() && s_[pos] == '\n' ? pos + 1 : pos;
  }

  void lex_operator(std::string& open) {
    const auto rest = s_.substr(pos_);
    const auto* op = std::find_if(kOperators.begin(), kOperators.end(), [&](std::string_view o) {
      return rest.substr(0, o.size()) == o;
    });
    if (op == kOperators.end()) {
      size_t end = pos_;
      next_code_point(s_, end);
      syntax_error(line_, fmt::format("unexpected character '{}'", s_.substr(pos_, end - pos_)));
    }
    const char c = op->front();
    if (op->size() == 1 && (c == '(' || c == '[' || c == '{')) {
      open += c;
    } else if (op->size() == 1 && (c == ')' || c == ']' || c == '}')) {
      const char wanted = open.empty()         ? 0
                          : open.back() == '(' ? ')'
                          : open.back() == '[' ? ']'
                                               : '}';
      if (wanted != c) {
        syntax_error(line_, open.empty()
                                ? fmt::format("unexpected '{}'", c)
                                : fmt::format("unexpected '{}', expected '{}'", c, wanted));
      }
      open.pop_back();
    }
    push(TokenKind::op, std::string(*op));
    advance(pos_ + op->size());
  }

  bool lex_name() {
    size_t end = pos_;
    while (end < s_.size()) {
      size_t next = end;
      const char32_t c = next_code_point(s_, next);
      if (c != U'_' && !is_alpha(c) && !is_numeric(c)) break;
      end = next;
    }
    if (end == pos_) return false;
    const std::string_view name = s_.substr(pos_, end - pos_);
    if (!is_identifier(name)) syntax_error(line_, fmt::format("'{}' is no name", name));
    push(TokenKind::name, std::string(name));
    advance(end);
    return true;
  }

  // Digits with single underscores between them.
  size_t skip_digits(size_t pos) const {
    if (pos >= s_.size() || !is_ascii_digit(s_[pos])) return pos;
    while (pos < s_.size()) {
      if (is_ascii_digit(s_[pos])) {
        ++pos;
      } else if (s_[pos] == '_' && pos + 1 < s_.size() && is_ascii_digit(s_[pos + 1])) {
        pos += 2;
      } else {
        break;
      }
    }
    return pos;
  }

  bool lex_number() {
    if (!is_ascii_digit(s_[pos_])) return false;
    const size_t whole = skip_digits(pos_);
    if (pos_ == 0 || s_[pos_ - 1] != '.') {  // x.1.2 is no float
      size_t end = whole;
      if (end + 1 < s_.size() && s_[end] == '.') {
        if (const size_t fraction = skip_digits(end + 1); fraction > end + 1) end = fraction;
      }
      if (end < s_.size() && (s_[end] == 'e' || s_[end] == 'E')) {
        size_t exponent = end + 1;
        if (exponent < s_.size() && (s_[exponent] == '+' || s_[exponent] == '-')) ++exponent;
        if (const size_t stop = skip_digits(exponent); stop > exponent) end = stop;
      }
      if (end > whole) {
        push_real(end);
        return true;
      }
    }
    lex_integer(whole);
    return true;
  }

  std::string without_underscores(size_t begin, size_t end) const {
    std::string digits(s_.substr(begin, end - begin));
    std::erase(digits, '_');
    return digits;
  }

  void push_real(size_t end) {
    const std::string digits = without_underscores(pos_, end);
    double value = 0;
    const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (r.ec != std::errc()) {
      syntax_error(line_, fmt::format("the number {} does not fit a float", digits));
    }
    push(TokenKind::floating, digits);
    tokens_.back().real_value = value;
    advance(end);
  }

  void lex_integer(size_t end) {
    int base = 10;
    size_t begin = pos_;
    if (s_[pos_] == '0') {
      end = pos_ + 1;
      const char mark = end < s_.size() ? static_cast<char>(s_[end] | 0x20) : 0;
      const int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
      const size_t digits = marked != 0 ? skip_based(end + 1, marked) : end;
      if (marked != 0 && digits > end + 1) {
        base = marked;
        begin = end + 1;
        end = digits;
      } else {  // 00 is 0; in 07 the 7 is a second number, an error for the parser
        while (end < s_.size() &&
               (s_[end] == '0' || (s_[end] == '_' && end + 1 < s_.size() && s_[end + 1] == '0'))) {
          ++end;
        }
      }
    }
    const std::string digits = without_underscores(begin, end);
    int64_t value = 0;
    const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (r.ec != std::errc()) {
      syntax_error(line_, fmt::format("the integer {} does not fit into 64 bits", digits));
    }
    push(TokenKind::integer, digits);
    tokens_.back().integer_value = value;
    advance(end);
  }

  size_t skip_based(size_t pos, int base) const {
    const auto is_digit_of_base = [&](size_t i) {
      if (i >= s_.size()) return false;
      const char c = static_cast<char>(s_[i] | 0x20);
      const int v = is_ascii_digit(s_[i]) ? s_[i] - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
      return v < base;
    };
    while (true) {
      const size_t at = pos < s_.size() && s_[pos] == '_' ? pos + 1 : pos;
      if (!is_digit_of_base(at)) return pos;
      pos = at + 1;
    }
  }

  bool lex_string() {
    const char quote = s_[pos_];
    if (quote != '\'' && quote != '"') return false;
    size_t end = pos_ + 1;
    while (end < s_.size() && s_[end] != quote) end += s_[end] == '\\' ? 2 : 1;
    if (end >= s_.size()) syntax_error(line_, "a string is not closed");
    push(TokenKind::string, unescape(s_.substr(pos_ + 1, end - pos_ - 1)));
    advance(end + 1);
    return true;
  }

  std::string unescape(std::string_view raw) const {
    std::string out;
    out.reserve(raw.size());
    for (size_t i = 0; i < raw.size();) {
      if (raw[i] != '\\') {
        out += raw[i++];
        continue;
      }
      const char c = raw[i + 1];  // lex_string saw to it that there is one
      i += 2;
      switch (c) {
        case '\n': break;
        case '\\':
        case '\'':
        case '"': out += c; break;
        case 'a': out += '\a'; break;
        case 'b': out += '\b'; break;
        case 'f': out += '\f'; break;
        case 'n': out += '\n'; break;
        case 'r': out += '\r'; break;
        case 't': out += '\t'; break;
        case 'v': out += '\v'; break;
        case 'x': append_code(out, raw, i, 2); break;
        case 'u': append_code(out, raw, i, 4); break;
        case 'U': append_code(out, raw, i, 8); break;
        case 'N': syntax_error(line_, "\\N{...} in a string is not supported"); break;
        default:
          if (c >= '0' && c <= '7') {
            --i;
            append_octal(out, raw, i);
          } else {
            out += '\\';
            out += c;
          }
      }
    }
    return out;
  }

  void append_code(std::string& out, std::string_view raw, size_t& i, size_t n_digits) const {
    uint32_t code = 0;
    const std::string_view digits = raw.substr(std::min(i, raw.size()), n_digits);
    const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() < n_digits || r.ptr != digits.data() + n_digits) {
      syntax_error(line_, fmt::format("an escape in a string needs {} hex digits", n_digits));
    }
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
      syntax_error(line_, fmt::format("the escape U+{:04X} in a string is no character", code));
    }
    append_utf8(out, code);
    i += n_digits;
  }

  static void append_octal(std::string& out, std::string_view raw, size_t& i) {
    char32_t code = 0;
    for (int n = 0; n < 3 && i < raw.size() && raw[i] >= '0' && raw[i] <= '7'; ++n, ++i) {
      code = code * 8 + static_cast<char32_t>(raw[i] - '0');
    }
    append_utf8(out, code);
  }

  // --- common ---------------------------------------------------------------------------------

  size_t skip_space(size_t pos) const {
    while (pos < s_.size()) {
      size_t next = pos;
      if (!is_space(next_code_point(s_, next))) break;
      pos = next;
    }
    return pos;
  }

  void advance(size_t to) {
    line_ += static_cast<uint32_t>(std::count(s_.begin() + static_cast<std::ptrdiff_t>(pos_),
                                              s_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    pos_ = to;
  }

  // Moves behind a tag.
  void close(size_t end) {
    at_line_start_ = s_[end - 1] == '\n';
    advance(end);
  }

  void push(TokenKind kind, std::string text = {}) {
    tokens_.push_back({.kind = kind, .line = line_, .text = std::move(text)});
  }

  void push_data(std::string_view text) {
    if (!text.empty()) push(TokenKind::data, std::string(text));
  }

  std::string source_;
  std::string_view s_;
  size_t pos_ = 0;
  uint32_t line_ = 1;
  bool at_line_start_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::data: return "text";
    case TokenKind::variable_begin: return "'{{'";
    case TokenKind::variable_end: return "'}}'";
    case TokenKind::block_begin: return "'{%'";
    case TokenKind::block_end: return "'%}'";
    case TokenKind::name: return fmt::format("'{}'", token.text);
    case TokenKind::string: return "a string";
    case TokenKind::integer:
    case TokenKind::floating: return fmt::format("the number {}", token.text);
    case TokenKind::op: return fmt::format("'{}'", token.text);
    case TokenKind::end: return "the end of the template";
  }
  return "a token";
}

std::vector<Token> tokenize(std::string_view source, const Limits& limits) {
  if (source.size() > limits.max_template_bytes) {
    syntax_error(1, fmt::format("the template is {} bytes long, more than the {} MiB allowed",
                                source.size(), limits.max_template_bytes >> 20));
  }
  if (!is_valid_utf8(source)) syntax_error(1, "the template is not UTF-8");
  return Lexer(source).run();
}

}  // namespace wattle::chat::jinja
