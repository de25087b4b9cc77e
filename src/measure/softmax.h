// SPDX-License-Identifier: Apache-2.0
// Probabilities of a row of logits.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace wattle::measure {

class Softmax {
 public:
  // logits: at least one. Sums run in double precision.
  explicit Softmax(std::span<const float> logits) noexcept
      : max_logit_(*std::max_element(logits.begin(), logits.end())) {
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - max_logit_);
    log_sum_ = double{max_logit_} + std::log(sum);
  }

  float max_logit() const noexcept { return max_logit_; }
  double log_prob(float logit) const noexcept { return logit - log_sum_; }

 private:
  float max_logit_;
  double log_sum_;
};

}  // namespace wattle::measure
