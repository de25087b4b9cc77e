// SPDX-License-Identifier: Apache-2.0
// DRY ("don't repeat yourself"): a token that would continue a repetition loses the more, the
// longer the repetition already is. Source: p-e-w, oobabooga/text-generation-webui pull 5677.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wattle/token.h"

namespace wattle::sampling {

// Appends the bytes that a token decodes to.
using AppendTokenBytes = std::function<void(TokenId, std::string& out)>;

// How many of the newest tokens lie after the last breaker. A repetition may not reach across one.
// Breakers are looked for in the text, so it does not matter how it was cut into tokens.
class BreakerScan {
 public:
  BreakerScan(std::vector<std::string> breakers, AppendTokenBytes token_bytes);
  void accept(TokenId token);
  size_t n_since() const noexcept { return n_since_; }

 private:
  std::vector<std::string> breakers_;
  AppendTokenBytes token_bytes_;
  size_t longest_ = 0;  // bytes of the longest breaker
  std::string tail_;    // the newest text: the start of a breaker may be in it
  size_t n_since_ = 0;
};

struct DryFactors {
  float multiplier = 0.0f;
  float base = 1.75f;
  size_t allowed_length = 2;  // repetitions shorter than this cost nothing
};

// Owns one counter for each token of the vocabulary, all 0 between calls.
class Dry {
 public:
  Dry(const DryFactors& factors, size_t n_vocab) : factors_(factors), longest_(n_vocab) {}

  // A token that followed an earlier occurrence of the newest `n` tokens of the window, n at most
  // max_repeat and as large as possible, loses multiplier * base^(n - allowed_length).
  // logits [n_vocab]; window: oldest first. Takes O(window) steps (Z-algorithm).
  void apply(std::span<const TokenId> window, size_t max_repeat, std::span<float> logits);

 private:
  DryFactors factors_;
  std::vector<uint32_t> z_;        // scratch
  std::vector<uint32_t> longest_;  // [n_vocab]: the longest repetition a token would continue
};

}  // namespace wattle::sampling
