// SPDX-License-Identifier: Apache-2.0
// Text to token ids and back, for every kind of vocabulary that wattle knows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_segment.h"
#include "tokenizer/special_matcher.h"
#include "tokenizer/token_roles.h"
#include "tokenizer/vocab_spec.h"
#include "wattle/token.h"

namespace wattle {

namespace tokenizer {
class Family;
}

struct EncodeOptions {
  bool add_bos = true;        // as the model wants (adds_bos()); false: never
  bool parse_special = true;  // "<bos>" in the text becomes the control token
};

// Immutable after construction: any number of threads may use one.
//
// Texts are meant to be UTF-8 but may be any bytes: what is malformed goes through byte tokens, so
// that decoding gives it back; bytes that the vocabulary cannot express at all become its unknown
// token, or are left out where it has none. No Unicode normalisation is applied
// (docs/adr/0007-tokenizer.md).
class Tokenizer {
 public:
  // Throws Error{unsupported} for a model or pre-tokeniser that is not known, naming those that
  // are, and Error{bad_input} for a spec that contradicts itself, naming the key.
  explicit Tokenizer(VocabSpec spec);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // User-defined tokens are recognised in any text, control tokens with parse_special. BOS is put
  // in front unless the text starts with it. O(n log n).
  // Throws Error{usage} for a text of 1 GiB or more.
  std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const;

  // Encodes the concatenation of the segments as one text, but takes special tokens from control
  // segments alone. In the others even user-defined tokens are plain text, as some of them are the
  // marks of a tool call; only those of white space are recognised, as everywhere.
  std::vector<TokenId> encode(std::span<const TextSegment> segments, bool add_bos = true) const;

  // Appends the bytes of the token: those of a normal one may be part of a character, those of a
  // control token are its name. StreamDecoder makes text of them. `id` must be in the vocabulary.
  void append_bytes(TokenId id, std::string& out) const;

  // The token as the file spells it. `id` must be in the vocabulary.
  std::string_view spelling(TokenId id) const noexcept { return spec_.tokens[to_int(id)]; }

  // What it was made of.
  const VocabSpec& vocab() const noexcept { return spec_; }
  size_t n_vocab() const noexcept { return spec_.tokens.size(); }
  bool contains(TokenId id) const noexcept {
    return to_int(id) >= 0 && static_cast<size_t>(to_int(id)) < n_vocab();
  }

  // Control and unknown tokens: not part of the text a person reads. `id` must be in the
  // vocabulary.
  bool is_control(TokenId id) const noexcept;
  // Whether this token ends the generation. Any id may be asked for.
  bool is_eog(TokenId id) const noexcept;

  bool adds_bos() const noexcept;
  // Whether a text starts with a space that was not written: decoders take it away again.
  bool adds_space_prefix() const noexcept;

 private:
  struct ControlRange;  // of a text: its bytes [begin, end) come from control segments

  std::vector<TokenId> encode_ranges(std::string_view text,
                                     const tokenizer::SpecialMatcher& anywhere,
                                     std::span<const ControlRange> control, bool add_bos) const;

  VocabSpec spec_;
  tokenizer::TokenRoles roles_;
  tokenizer::SpecialMatcher all_specials_;
  tokenizer::SpecialMatcher user_defined_;
  tokenizer::SpecialMatcher white_space_;  // of the user-defined ones
  std::unique_ptr<const tokenizer::Family> family_;
};

}  // namespace wattle
