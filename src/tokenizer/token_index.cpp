// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/token_index.h"

namespace wattle::tokenizer {

TokenIndex::TokenIndex(std::span<const std::string_view> tokens, std::span<const TokenType> types,
                       uint64_t seed)
    : tokens_(tokens), seed_(seed), slots_(tokens.size()) {
  for (uint32_t id = 0; id < tokens.size(); ++id) {
    const TokenType type = types[id];
    const bool is_text = type != TokenType::control && type != TokenType::unknown &&
                         type != TokenType::byte && !tokens[id].empty();
    if (!is_text) continue;
    slots_.insert(hash_text(tokens[id], seed), id,
                  [&](uint32_t other) { return tokens_[other] == tokens_[id]; });
  }
}

std::optional<TokenId> TokenIndex::find(std::string_view text) const noexcept {
  const auto id =
      slots_.find(hash_text(text, seed_), [&](uint32_t other) { return tokens_[other] == text; });
  if (!id) return std::nullopt;
  return TokenId{static_cast<int32_t>(*id)};
}

}  // namespace wattle::tokenizer
