// SPDX-License-Identifier: Apache-2.0
#include "runtime/answer_grammar.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "sampling/grammar/gbnf.h"
#include "sampling/grammar/machine.h"
#include "sampling/grammar/network.h"
#include "sampling/json_schema/json_schema.h"
#include "wattle/error.h"

namespace wattle::runtime {
namespace {

std::optional<TokenId> token_of(const Tokenizer& tokenizer, std::string_view marker) {
  const std::vector<TokenId> ids =
      tokenizer.encode(marker, {.add_bos = false, .parse_special = true});
  if (ids.size() != 1 || tokenizer.spelling(ids[0]) != marker) return std::nullopt;
  return ids[0];
}

}  // namespace

grammar::Vocabulary grammar_vocabulary(const Tokenizer& tokenizer) {
  std::vector<std::string> pieces(tokenizer.n_vocab());
  std::vector<TokenId> ends;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const TokenId id{static_cast<int32_t>(i)};
    if (tokenizer.is_eog(id)) {
      ends.push_back(id);
    } else if (!tokenizer.is_control(id)) {
      tokenizer.append_bytes(id, pieces[i]);
    }
  }
  return {.text = grammar::TokenTrie(pieces), .ends = std::move(ends)};
}

std::optional<grammar::Reasoning> reasoning_tokens(
    const Tokenizer& tokenizer, const std::optional<chat::ReasoningMarkers>& markers,
    std::optional<bool> enable_thinking) {
  if (!markers) return std::nullopt;
  const auto open = token_of(tokenizer, markers->open);
  const auto close = token_of(tokenizer, markers->close);
  if (markers->is_open) {
    if (close) return grammar::Reasoning{open.value_or(*close), *close, true};
    throw Error(
        ErrorCode::unsupported,
        fmt::format("grammar: the answer begins with reasoning, and '{}', which ends it, is "
                    "no token of this model",
                    markers->close),
        "--think off lets some models answer at once");
  }
  if (!open || !close || enable_thinking == false) return std::nullopt;
  return grammar::Reasoning{*open, *close, false};
}

grammar::TokenMatcher& AnswerGrammar::matcher(const SamplingParams& params,
                                              const grammar::Vocabulary& vocab) {
  if (matcher_ == nullptr || grammar_ != params.grammar || json_schema_ != params.json_schema) {
    grammar::Machine machine(grammar::build_network(grammar::parse_gbnf(
        params.grammar ? *params.grammar : json_schema::to_gbnf(*params.json_schema))));
    matcher_ = std::make_unique<grammar::TokenMatcher>(std::move(machine), vocab.text);
    grammar_ = params.grammar;
    json_schema_ = params.json_schema;
  }
  return *matcher_;
}

}  // namespace wattle::runtime
