// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/escaped_space.h"

#include "tokenizer/byte_tokens.h"

namespace wattle::tokenizer {
namespace {

void append_replaced(std::string& out, std::string_view text, std::string_view from,
                     std::string_view to) {
  for (;;) {
    const size_t found = text.find(from);
    out += text.substr(0, found);
    if (found == std::string_view::npos) return;
    out += to;
    text.remove_prefix(found + from.size());
  }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  append_replaced(out, text, " ", kEscapedSpace);
}

void append_unescaped(std::string& out, std::string_view token, TokenType type) {
  if (type == TokenType::byte) {
    if (const auto byte = parse_byte_token(token)) {
      out.push_back(static_cast<char>(*byte));
      return;
    }
  }
  append_replaced(out, token, kEscapedSpace, " ");
}

}  // namespace wattle::tokenizer
