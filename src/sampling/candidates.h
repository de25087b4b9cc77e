// SPDX-License-Identifier: Apache-2.0
// The tokens still in the draw, and the steps that leave some of them out.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "wattle/token.h"

namespace wattle::sampling {

// The logits are finite: a forbidden token (-inf) never becomes a candidate. Order is part of the
// state, and each step says which it leaves, because the draw walks it: it never depends on the
// standard library. "Better" is a larger logit, or the same logit and a smaller id.
struct Candidate {
  TokenId id;
  float logit;
};

// Keeps its memory between calls: after the first token of a kind of request nothing is allocated.
class Candidates {
 public:
  // The k best of logits [n_vocab], best first; k = 0: all, in the order of ids. -inf is left out,
  // the rest must be finite. Sorts k candidates, never the vocabulary.
  void take_best(std::span<const float> logits, size_t k);

  // The first k for which `fits` is true, in their order; it is not asked about more.
  void keep_if(const std::function<bool(TokenId)>& fits, size_t k);

  // The smallest set, at least one, of the likeliest whose share of the probability reaches
  // `share`; best first.
  void keep_top_p(double share);

  // Locally typical sampling (Meister et al., 2022): as keep_top_p, but first come those whose
  // surprise -log(p) is nearest to its mean, the entropy; ties as for "better".
  void keep_typical(double share);

  // Those at least `ratio` times as likely as the best; the order stays.
  void keep_min_p(double ratio);

  // The candidate where the running sum of exp(logit / temperature) passes `unit` in [0, 1) of the
  // whole. There must be one; temperature > 0.
  TokenId draw(double temperature, double unit) const;

  std::span<const Candidate> all() const noexcept { return candidates_; }

 private:
  double best_logit() const noexcept;

  std::vector<Candidate> candidates_;
};

}  // namespace wattle::sampling
