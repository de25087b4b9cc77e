// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/token_index.h"

namespace wattle::tokenizer {

TokenIndex::TokenIndex(std::span<const std::string_view> tokens, std::span<const TokenType> types,
                       uint64_t seed)
    : tokens_(tokens), seed_(seed), slots_(tokens.size()) {
  const auto hash_of = [&](uint32_t id) -> std::optional<uint64_t> {
    const bool is_text = types[id] != TokenType::control && types[id] != TokenType::unknown &&
                         types[id] != TokenType::byte && !tokens[id].empty();
    if (!is_text) return std::nullopt;
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
