// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/token_roles.h"

#include <algorithm>
#include <string_view>

#include "tokenizer/byte_tokens.h"

namespace wattle::tokenizer {
namespace {

constexpr std::string_view kEndOfTurnTexts[] = {
    "<eos>",                  // Gemma
    "<end_of_turn>",          // Gemma 2, 3
    "<turn|>",                // Gemma 4
    "<|tool_response>",       // Gemma 4: its tool calls are made, it waits for the results
    "<|eot_id|>",             // Llama 3
    "<|eom_id|>",             // Llama 3
    "<|end_of_text|>",        // Llama 3, Granite
    "<|im_end|>",             // Qwen, SmolLM, everything ChatML
    "<|endoftext|>",          // GPT-2, Qwen
    "<|end|>",                // Phi 3
    "<EOT>",                  // Code Llama
    "[EOS]",                  // Kimi
    "<｜end▁of▁sentence｜>",  // DeepSeek
    "<end_of_utterance>",     // SmolVLM
};

bool is_marker(std::string_view text) noexcept {
  return (text.starts_with('<') && text.ends_with('>')) ||
         (text.starts_with('[') && text.ends_with(']'));
}

bool ends_turn(std::string_view text, TokenType type) noexcept {
  if (text == "</s>") return type == TokenType::control;
  return std::ranges::find(kEndOfTurnTexts, text) != std::end(kEndOfTurnTexts);
}

std::vector<TokenType> types_of(const VocabSpec& spec) {
  if (!spec.types.empty()) return spec.types;
  std::vector<TokenType> types;
  types.reserve(spec.tokens.size());
  for (const std::string_view text : spec.tokens) {
    types.push_back(parse_byte_token(text) ? TokenType::byte : TokenType::normal);
  }
  return types;
}

}  // namespace

TokenRoles assign_roles(const VocabSpec& spec) {
  TokenRoles roles;
  roles.types = types_of(spec);

  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    const std::string_view text = spec.tokens[i];
    // A quick look first: this runs over every token at each start.
    if (is_marker(text) && ends_turn(text, roles.types[i])) {
      roles.eog.push_back(TokenId{static_cast<int32_t>(i)});
    }
  }
  for (const auto& id : {spec.eos, spec.eot, spec.eom}) {
    if (id) roles.eog.push_back(*id);
  }
  std::ranges::sort(roles.eog);
  const auto doubles = std::ranges::unique(roles.eog);
  roles.eog.erase(doubles.begin(), doubles.end());
  for (const TokenId id : roles.eog) roles.types[to_int(id)] = TokenType::control;
  // Some files name an ordinary word as the BOS that they never add: go by its look.
  if (spec.bos && is_marker(spec.tokens[to_int(*spec.bos)])) {
    roles.types[to_int(*spec.bos)] = TokenType::control;
  }
  return roles;
}

}  // namespace wattle::tokenizer
