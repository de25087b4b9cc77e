// SPDX-License-Identifier: Apache-2.0
// Picks the next token of one sequence from its logits. The order of the steps and what each does:
// docs/sampling.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sampling/candidates.h"
#include "sampling/dry.h"
#include "sampling/grammar/constraint.h"
#include "sampling/penalties.h"
#include "sampling/rng.h"
#include "wattle/sampling_params.h"
#include "wattle/token.h"

namespace wattle::sampling {

// Owns the generator and the history of its sequence; one thread at a time. After the first token
// it allocates only where the history outgrows its memory.
class Sampler {
 public:
  // token_bytes is asked only while DRY is on, and must live as long as the sampler.
  // Throws Error{usage}: see check_params.h.
  Sampler(const SamplingParams& params, size_t n_vocab, AppendTokenBytes token_bytes);

  // From now on tokens must fit: sample() picks among those the constraint allows, accept() tells
  // it what came. Called behind the prompt, of which a grammar knows nothing. Borrowed.
  void constrain(grammar::Constraint& constraint) noexcept { constraint_ = &constraint; }

  // The token is part of the sequence now: the prompt's and each generated one, in order.
  void accept(TokenId token);

  // logits [n_vocab] of the next token; they are not changed. The token is not accepted yet.
  // Throws Error{bad_input} where a logit is NaN or +inf and where no token fits the constraint,
  // Error{usage} where all are forbidden; and what the constraint throws.
  TokenId sample(std::span<const float> logits);

  uint64_t seed() const noexcept { return seed_; }

 private:
  std::span<const TokenId> last_n(int32_t n) const noexcept;
  void take_best(size_t k);

  SamplingParams params_;
  uint64_t seed_;
  Xoshiro256 rng_;
  std::vector<TokenId> history_;
  std::vector<float> logits_;  // [n_vocab] as the steps change them
  std::optional<Penalties> penalties_;
  std::optional<Dry> dry_;
  std::optional<BreakerScan> breakers_;
  grammar::Constraint* constraint_ = nullptr;
  Candidates candidates_;
};

}  // namespace wattle::sampling
