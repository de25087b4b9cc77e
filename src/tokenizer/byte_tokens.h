// SPDX-License-Identifier: Apache-2.0
// What a family does with characters that no token covers: one token per byte.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tokenizer/vocab_spec.h"
#include "wattle/token.h"

namespace wattle::tokenizer {

class ByteTokens {
 public:
  // `unk` stands for a byte that has no token.
  explicit ByteTokens(std::optional<TokenId> unk) { ids_.fill(unk); }

  void set(uint8_t byte, TokenId id) noexcept { ids_[byte] = id; }

  // Appends the token of each byte. Throws Error{unsupported} naming the byte where the vocabulary
  // has neither a token for it nor an unknown token.
  void encode(std::string_view bytes, std::vector<TokenId>& out) const;

 private:
  std::array<std::optional<TokenId>, 256> ids_;
};

// The byte that a token text "<0x0A>" stands for, if it has that form (upper-case hexadecimal).
std::optional<uint8_t> parse_byte_token(std::string_view text) noexcept;

// The tokens "<0x00>".."<0xFF>" of a SentencePiece vocabulary.
ByteTokens hex_byte_tokens(const VocabSpec& spec);

}  // namespace wattle::tokenizer
