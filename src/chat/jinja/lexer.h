// SPDX-License-Identifier: Apache-2.0
// A template as tokens: the text between tags, and what is inside them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/limits.h"

namespace wattle::chat::jinja {

enum class TokenKind : uint8_t {
  data,            // template text, white space already trimmed
  variable_begin,  // {{
  variable_end,    // }}
  block_begin,     // {%
  block_end,       // %}
  name,
  string,    // text: unescaped
  integer,   // integer_value
  floating,  // real_value
  op,        // text: the operator
  end,       // of the template
};

struct Token {
  TokenKind kind = TokenKind::end;
  uint32_t line = 1;
  std::string text;
  int64_t integer_value = 0;
  double real_value = 0;

  bool is_op(std::string_view op) const { return kind == TokenKind::op && text == op; }
  bool is_name(std::string_view name) const { return kind == TokenKind::name && text == name; }
};

// For error messages: "'%}'", "name 'x'", "end of template".
std::string describe(const Token& token);

// White space as transformers sets Jinja up: a block takes the line break behind it and the blanks
// before it along (trim_blocks, lstrip_blocks), one line break at the end of the template goes, and
// all line breaks become \n. The last token is `end`. Throws Error{bad_input} naming the line.
std::vector<Token> tokenize(std::string_view source, const Limits& limits);

}  // namespace wattle::chat::jinja
