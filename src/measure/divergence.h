// SPDX-License-Identifier: Apache-2.0
// How far a model's predictions are from saved ones of another.
#pragma once

#include <span>
#include <vector>

#include "measure/logits_file.h"
#include "measure/mean.h"
#include "wattle/token.h"

namespace wattle::measure {

// Over all rows that were added. "Base" is what was saved; probabilities, where it says p, are
// those of the token that follows in the text.
class Divergence {
 public:
  void add(std::span<const float> logits, const LogProbs& base, TokenId next);

  const Mean& nll() const noexcept { return nll_; }
  const Mean& nll_base() const noexcept { return nll_base_; }
  const Mean& log_ratio() const noexcept { return log_ratio_; }  // ln(ppl / ppl of base)
  const Mean& kl() const noexcept { return kl_; }                // of base from us, in nats
  const Mean& p_change() const noexcept { return p_change_; }    // p - p of base
  double p_change_rms() const noexcept;
  const Mean& same_top() const noexcept { return same_top_; }  // 1 or 0: agreement on the best

  // fraction 0 to 1, between neighbours in proportion; at least one row was added.
  float kl_percentile(double fraction) const;
  float p_change_percentile(double fraction) const;

 private:
  Mean nll_, nll_base_, log_ratio_, kl_, p_change_, p_change_squared_, same_top_;
  std::vector<float> kls_;
  std::vector<float> p_changes_;
  std::vector<float> base_;  // scratch
};

}  // namespace wattle::measure
