// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/byte_tokens.h"

namespace wattle::tokenizer {

void ByteTokens::encode(std::string_view bytes, std::vector<TokenId>& out) const {
  for (const char byte : bytes) {
    if (const std::optional<TokenId> id = ids_[static_cast<uint8_t>(byte)]) out.push_back(*id);
  }
}

std::optional<uint8_t> parse_byte_token(std::string_view text) noexcept {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(3, 2)) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return static_cast<uint8_t>(value);
}

ByteTokens hex_byte_tokens(const VocabSpec& spec, std::span<const TokenType> types) {
  ByteTokens tokens(spec.unk);
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    if (types[i] != TokenType::byte) continue;
    if (const auto byte = parse_byte_token(spec.tokens[i])) {
      tokens.set(*byte, TokenId{static_cast<int32_t>(i)});
    }
  }
  return tokens;
}

}  // namespace wattle::tokenizer
