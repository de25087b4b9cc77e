// SPDX-License-Identifier: Apache-2.0
// What a family does with characters that no token covers: one token per byte.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/vocab_spec.h"
#include "wattle/token.h"

namespace wattle::tokenizer {

class ByteTokens {
 public:
  // `substitute` stands for a byte that has no token. Without one such bytes are left out, as in
  // the tokenizers that these vocabularies were made with: SmolLM2 has no token for U+0004.
  explicit ByteTokens(std::optional<TokenId> substitute) { ids_.fill(substitute); }

  void set(uint8_t byte, TokenId id) noexcept { ids_[byte] = id; }

  // Appends the token of each byte.
  void encode(std::string_view bytes, std::vector<TokenId>& out) const;

 private:
  std::array<std::optional<TokenId>, 256> ids_;
};

// The byte that a token text "<0x0A>" stands for, if it has that form (upper-case hexadecimal).
std::optional<uint8_t> parse_byte_token(std::string_view text) noexcept;

// The tokens of type byte, "<0x00>".."<0xFF>". Other bytes become the unknown token.
ByteTokens hex_byte_tokens(const VocabSpec& spec, std::span<const TokenType> types);

}  // namespace wattle::tokenizer
