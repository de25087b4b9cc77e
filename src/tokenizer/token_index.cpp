// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/token_index.h"

namespace wattle::tokenizer {

TokenIndex::TokenIndex(std::span<const std::string_view> tokens, std::span<const TokenType> types,
                       uint64_t seed, bool user_defined)
    : tokens_(tokens), seed_(seed), slots_(tokens.size()) {
  const auto is_text = [&](TokenType type) {
    switch (type) {
      case TokenType::control:
      case TokenType::unknown:
      case TokenType::byte: return false;
      case TokenType::user_defined: return user_defined;
      default: return true;
    }
  };
  const auto hash_of = [&](uint32_t id) -> std::optional<uint64_t> {
    if (!is_text(types[id]) || tokens[id].empty()) return std::nullopt;
    return hash_text(tokens[id], seed);
  };
  slots_.fill(static_cast<uint32_t>(tokens.size()), hash_of,
              [&](uint32_t id, uint32_t other) { return tokens[id] == tokens[other]; });
}

std::optional<TokenId> TokenIndex::find(std::string_view text) const noexcept {
  const auto id =
      slots_.find(hash_text(text, seed_), [&](uint32_t other) { return tokens_[other] == text; });
  if (!id) return std::nullopt;
  return TokenId{static_cast<int32_t>(*id)};
}

}  // namespace wattle::tokenizer
