// SPDX-License-Identifier: Apache-2.0
// Holds one answer to a grammar: which tokens may come next, while it is made.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sampling/grammar/token_matcher.h"
#include "sampling/grammar/token_trie.h"
#include "wattle/token.h"

namespace wattle::grammar {

// What a grammar needs to know about a vocabulary; made once for all answers.
struct Vocabulary {
  TokenTrie text;             // tokens that are no text, control tokens above all, have no bytes
  std::vector<TokenId> ends;  // those that end the generation
};

// Reasoning comes before what the grammar describes, and is free.
struct Reasoning {
  TokenId open{};
  TokenId close{};
  bool is_open =
      false;  // the answer begins inside of it; else it may be opened with the first token
};

// Borrows matcher and vocabulary. Throws what Machine throws.
class Constraint {
 public:
  // drops_first_space: the decoder of the answer takes away a space at its begin.
  struct Options {
    bool drops_first_space = false;
    std::optional<Reasoning> reasoning = {};
  };
  Constraint(TokenMatcher& matcher, const Vocabulary& vocab, const Options& options);

  // Whether the token may come next. One that ends the generation may exactly where the grammar is
  // complete, and never within reasoning.
  bool allows(TokenId token);
  // Sets the logits [n_vocab] of all tokens that may not come next to -inf.
  void forbid(std::span<float> logits);
  // The token, which allows() allows, has come.
  void accept(TokenId token);

  // The answer is complete and nothing could be added to it.
  bool is_complete() const noexcept;

 private:
  enum class Phase : uint8_t { may_reason, reasoning, answer };
  bool is_end(TokenId token) const noexcept;

  TokenMatcher& matcher_;
  const Vocabulary& vocab_;
  std::optional<Reasoning> reasoning_;
  Phase phase_ = Phase::answer;
  Position position_;
  std::vector<std::pair<TokenId, float>> spared_;  // scratch
};

}  // namespace wattle::grammar
