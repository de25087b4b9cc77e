// SPDX-License-Identifier: Apache-2.0
// Tokens in, text out, while they come: a character may be spread over several tokens, and a person
// must never see half of one.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tokenizer/tokenizer.h"
#include "wattle/token.h"

namespace wattle {

struct DecodeOptions {
  // The tokens begin a text, so the space that encoding put in front (adds_space_prefix()) is taken
  // away. false: they continue one, and the first space belongs to it.
  bool starts_text = true;
  bool show_control = false;  // control tokens appear under their names
};

// Borrows the tokenizer. Not thread-safe; one per stream.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, DecodeOptions options = {});

  // The characters that `id` completes, often none: whole UTF-8, malformed bytes as U+FFFD. Valid
  // until the next call. Throws Error{usage} for an id outside the vocabulary.
  std::string_view push(TokenId id);

  // Ends the stream: what is left of an unfinished character is U+FFFD. The decoder may then be
  // used for a text that continues this one.
  std::string_view finish();

 private:
  const Tokenizer& tokenizer_;
  bool show_control_;
  bool strip_space_;
  std::string bytes_;  // not shown yet
  std::string ready_;
};

// The text of all tokens at once.
std::string decode(const Tokenizer& tokenizer, std::span<const TokenId> ids,
                   DecodeOptions options = {});

}  // namespace wattle
