// SPDX-License-Identifier: Apache-2.0
// What differs between the kinds of tokenizer: how text without special tokens becomes ids, and a
// token bytes again. Everything else is in tokenizer.cpp.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/vocab_spec.h"
#include "wattle/token.h"

namespace wattle::tokenizer {

// Immutable, so safe to share between threads.
class Family {
 public:
  virtual ~Family() = default;

  // Appends the ids of `text`: all that lies between two special tokens, or between one and an end
  // of the prompt. Shorter than 1 GiB, any bytes.
  virtual void encode(std::string_view text, std::vector<TokenId>& out) const = 0;

  // Appends the bytes that a token of the given text and type stands for; not always whole UTF-8.
  virtual void append_bytes(std::string_view token, TokenType type, std::string& out) const = 0;

  // Whether a prompt begins with BOS, where the file says `wish` (tokenizer.ggml.add_bos_token).
  virtual bool adds_bos(std::optional<bool> wish) const noexcept = 0;
  // Whether encode puts a space in front.
  virtual bool adds_space_prefix() const noexcept { return false; }
};

// Each borrows `spec` and `types` (corrected, see token_roles.h); `seed` is that of the hash
// tables. They throw Error naming the key that is missing or wrong.
std::unique_ptr<Family> make_sentencepiece(const VocabSpec& spec, std::span<const TokenType> types,
                                           uint64_t seed);
std::unique_ptr<Family> make_gemma4(const VocabSpec& spec, std::span<const TokenType> types,
                                    uint64_t seed);
std::unique_ptr<Family> make_byte_level(const VocabSpec& spec, std::span<const TokenType> types,
                                        uint64_t seed);

}  // namespace wattle::tokenizer
