// SPDX-License-Identifier: Apache-2.0
// Probabilities of a row of logits.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "wattle/error.h"

namespace wattle::measure {

class Softmax {
 public:
  // logits: at least one. Sums run in double precision. Throws Error{bad_input} where one is NaN or
  // +inf, or all are -inf.
  explicit Softmax(std::span<const float> logits)
      : max_logit_(*std::max_element(logits.begin(), logits.end())) {
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - max_logit_);
    log_sum_ = double{max_logit_} + std::log(sum);
    if (!std::isfinite(log_sum_)) {
      throw Error(ErrorCode::bad_input, "the logits of the model are no numbers",
                  "the weights are damaged or outside the range of this build; compare the file's "
                  "checksum with its source");
    }
  }

  float max_logit() const noexcept { return max_logit_; }
  double log_prob(float logit) const noexcept { return logit - log_sum_; }

 private:
  float max_logit_;
  double log_sum_;
};

}  // namespace wattle::measure
