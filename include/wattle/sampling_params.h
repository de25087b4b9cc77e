// SPDX-License-Identifier: Apache-2.0
// How the next token is picked. Names and defaults are those llama.cpp users know; the order in
// which the steps apply is documented in docs/sampling.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wattle/token.h"

namespace wattle {

struct SamplingParams {
  std::optional<uint64_t> seed{};  // absent: a fresh one from the operating system

  float temperature = 0.8f;  // 0: greedy
  int32_t top_k = 40;        // 0: off
  float top_p = 0.95f;       // 1: off
  float min_p = 0.05f;       // 0: off
  float typical_p = 1.0f;    // 1: off

  int32_t repeat_last_n = 64;  // how far back the penalties look; 0: off, -1: the whole context
  float repeat_penalty = 1.0f;
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;

  float dry_multiplier = 0.0f;  // 0: off
  float dry_base = 1.75f;
  int32_t dry_allowed_length = 2;
  int32_t dry_penalty_last_n = -1;
  std::vector<std::string> dry_sequence_breakers{"\n", ":", "\"", "*"};

  std::vector<std::pair<TokenId, float>> logit_bias{};  // added to the logits; -inf forbids

  // What the answer must look like, in GBNF (docs/grammar.md); absent: anything. A request with one
  // that cannot be used is Error{bad_input} or Error{unsupported} that says where.
  std::optional<std::string> grammar{};
  // The same as a JSON Schema, as text; not both. The answer is JSON then.
  std::optional<std::string> json_schema{};
};

}  // namespace wattle
