// SPDX-License-Identifier: Apache-2.0
// SentencePiece's BPE, as in Llama 2, Mistral 7B and Gemma 1 to 3: two neighbours merge when their
// concatenation is a token, the one with the highest score first. There are no words: a whole text
// is one run of merges.
#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "tokenizer/byte_tokens.h"
#include "tokenizer/escaped_space.h"
#include "tokenizer/family.h"
#include "tokenizer/merge_loop.h"
#include "tokenizer/token_index.h"
#include "wattle/error.h"

namespace wattle::tokenizer {
namespace {

// Higher scores get lower ranks; equal scores (0 and -0 among them) equal ranks.
uint32_t rank_of_score(float score) noexcept {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);
  constexpr uint32_t kSign = 0x80000000;
  const uint32_t ascending = (bits & kSign) != 0 ? ~bits : bits | kSign;
  return ~ascending;
}

class SentencePiece final : public Family {
 public:
  SentencePiece(const VocabSpec& spec, std::span<const TokenType> types, uint64_t seed)
      :  // The runs of spaces of Gemma 3 are user-defined, and merges build them.
        index_(spec.tokens, types, seed, /*user_defined=*/true),
        scores_(spec.scores),
        bytes_(hex_byte_tokens(spec, types)),
        add_space_prefix_(spec.add_space_prefix.value_or(true)) {}

  void encode(std::string_view text, std::vector<TokenId>& out) const override {
    std::string escaped;
    if (add_space_prefix_) escaped = kEscapedSpace;
    append_escaped(escaped, text);

    const auto rank_of = [&](std::string_view pair, size_t) -> std::optional<uint32_t> {
      const std::optional<TokenId> id = index_.find(pair);
      if (!id) return std::nullopt;
      return rank_of_score(scores_[to_int(*id)]);
    };
    const auto on_symbol = [&](std::string_view symbol) {
      if (const std::optional<TokenId> id = index_.find(symbol)) {
        out.push_back(*id);
      } else {
        bytes_.encode(symbol, out);
      }
    };
    MergeLoop().run(escaped, rank_of, on_symbol);
  }

  void append_bytes(std::string_view token, TokenType type, std::string& out) const override {
    append_unescaped(out, token, type);
  }

  bool adds_bos(std::optional<bool> wish) const noexcept override { return wish.value_or(true); }
  bool adds_space_prefix() const noexcept override { return add_space_prefix_; }

 private:
  TokenIndex index_;
  std::span<const float> scores_;
  ByteTokens bytes_;
  bool add_space_prefix_;
};

}  // namespace

std::unique_ptr<Family> make_sentencepiece(const VocabSpec& spec, std::span<const TokenType> types,
                                           uint64_t seed) {
  if (spec.scores.size() != spec.tokens.size()) {
    throw Error(ErrorCode::bad_input,
                fmt::format("tokenizer.ggml.scores: {} values, expected one for each of {} tokens",
                            spec.scores.size(), spec.tokens.size()));
  }
  for (size_t i = 0; i < spec.scores.size(); ++i) {
    if (std::isnan(spec.scores[i])) {
      throw Error(ErrorCode::bad_input, fmt::format("tokenizer.ggml.scores[{}]: not a number", i));
    }
  }
  return std::make_unique<SentencePiece>(spec, types, seed);
}

}  // namespace wattle::tokenizer
