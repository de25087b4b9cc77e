// SPDX-License-Identifier: Apache-2.0
// From the text of a token to its id.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tokenizer/hash_slots.h"
#include "tokenizer/vocab_spec.h"
#include "wattle/token.h"

namespace wattle::tokenizer {

// Holds the tokens that ordinary text may become: no control, unknown or byte tokens, whatever
// their spelling. Of two tokens with the same text the first counts. Borrows `tokens`.
class TokenIndex {
 public:
  // user_defined: whether merges may also end at user-defined tokens.
  TokenIndex(std::span<const std::string_view> tokens, std::span<const TokenType> types,
             uint64_t seed, bool user_defined);

  std::optional<TokenId> find(std::string_view text) const noexcept;

 private:
  std::span<const std::string_view> tokens_;
  uint64_t seed_;
  HashSlots slots_;
};

}  // namespace wattle::tokenizer
