// SPDX-License-Identifier: Apache-2.0
// From a request that asks for a grammar to the constraint of its answer.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "chat/output_parser.h"
#include "sampling/grammar/constraint.h"
#include "sampling/grammar/token_matcher.h"
#include "tokenizer/tokenizer.h"
#include "wattle/sampling_params.h"

namespace wattle::runtime {

// The vocabulary as grammars see it: takes a fraction of a second and is good for all of them.
grammar::Vocabulary grammar_vocabulary(const Tokenizer& tokenizer);

// The tokens that stand around the reasoning of an answer; none where it has none. A model that was
// told not to think gets no chance to. Throws Error{unsupported} where the answer begins within
// reasoning and no token ends it: then nobody can tell where the grammar is to begin.
std::optional<grammar::Reasoning> reasoning_tokens(
    const Tokenizer& tokenizer, const std::optional<chat::ReasoningMarkers>& markers,
    std::optional<bool> enable_thinking);

// Keeps what was worked out for the last grammar: mostly the next request has the same.
// Not thread-safe.
class AnswerGrammar {
 public:
  // Whether the request has one.
  static bool is_wanted(const SamplingParams& params) noexcept {
    return params.grammar || params.json_schema;
  }

  // vocab: the same one each time, borrowed. Throws Error for a grammar that cannot be used.
  grammar::TokenMatcher& matcher(const SamplingParams& params, const grammar::Vocabulary& vocab);

 private:
  std::optional<std::string> grammar_, json_schema_;  // what matcher_ was made of
  std::unique_ptr<grammar::TokenMatcher> matcher_;
};

}  // namespace wattle::runtime
