// SPDX-License-Identifier: Apache-2.0
// One sequence in the KV cache together with the tokens it was computed from.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/engine_core.h"
#include "wattle/token.h"

namespace wattle::runtime {

// Borrows the core. Where a call throws, the sequence holds fewer tokens than asked for, but what
// it holds is computed rightly, and it can go on from there.
class Sequence {
 public:
  // Throws Error{out_of_memory}.
  explicit Sequence(EngineCore& core);

  // Makes the sequence hold exactly `tokens` (at least one, at most n_ctx). What it has in common
  // with those it holds stays, the rest is computed in pieces of n_batch. `cancelled` is looked at
  // before each piece; where it is set, the call ends early.
  struct Assigned {
    uint32_t n_reused = 0;
    bool complete = true;  // false: cancelled
  };
  Assigned assign(std::span<const TokenId> tokens, const std::atomic<bool>& cancelled);

  void append(TokenId token);

  // What follows the last token; one logit for each token of the vocabulary. Requires that the last
  // assign was complete.
  std::span<const float> logits() const noexcept;

  uint32_t size() const noexcept { return static_cast<uint32_t>(tokens_.size()); }

 private:
  // Appends a piece; the logits of its last token are computed if wanted.
  void compute(std::span<const TokenId> piece, bool want_logits);

  EngineCore& core_;
  SequenceOwner owner_;
  std::vector<TokenId> tokens_;  // what the cache holds
  std::vector<float> logits_;    // [n_logits]
};

}  // namespace wattle::runtime
