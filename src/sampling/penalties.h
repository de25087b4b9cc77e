// SPDX-License-Identifier: Apache-2.0
// Repeat, frequency and presence penalties over a window of recent tokens.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "wattle/token.h"

namespace wattle::sampling {

struct PenaltyFactors {
  float repeat = 1.0f;     // a positive logit is divided by it, any other multiplied
  float frequency = 0.0f;  // subtracted once for each occurrence
  float presence = 0.0f;   // subtracted once
  bool off() const noexcept { return repeat == 1.0f && frequency == 0.0f && presence == 0.0f; }
};

// Owns the counters, one for each token of the vocabulary, all 0 between calls.
class Penalties {
 public:
  Penalties(const PenaltyFactors& factors, size_t n_vocab) : factors_(factors), count_(n_vocab) {}

  // logits [n_vocab]; window: ids of the vocabulary. Takes O(window) steps.
  void apply(std::span<const TokenId> window, std::span<float> logits) noexcept;

 private:
  PenaltyFactors factors_;
  std::vector<uint32_t> count_;
};

}  // namespace wattle::sampling
