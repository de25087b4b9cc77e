// SPDX-License-Identifier: Apache-2.0
#include "measure/divergence.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "measure/softmax.h"

namespace wattle::measure {
namespace {

// The file knows nothing below: what is that unlikely adds nothing.
constexpr float kDepth = -16;

float percentile(std::vector<float> values, double fraction) {
  std::sort(values.begin(), values.end());
  const double at = fraction * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, values.size() - 1);
  const auto weight = static_cast<float>(at - static_cast<double>(low));
  return (1 - weight) * values[low] + weight * values[high];
}

size_t index_of_largest(std::span<const float> values) {
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

}  // namespace

void Divergence::add(std::span<const float> logits, const LogProbs& base, TokenId next) {
  const Softmax softmax(logits);
  base_.resize(logits.size());
  base.decode(base_);

  double kl = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (base_[i] > kDepth) kl += std::exp(base_[i]) * (base_[i] - softmax.log_prob(logits[i]));
  }
  kl_.add(kl);
  kls_.push_back(static_cast<float>(kl));

  const auto token = static_cast<size_t>(to_int(next));
  const double log_p = softmax.log_prob(logits[token]);
  const double log_p_base = base_[token];
  nll_.add(-log_p);
  nll_base_.add(-log_p_base);
  log_ratio_.add(log_p_base - log_p);
  const double change = std::exp(log_p) - std::exp(log_p_base);
  p_change_.add(change);
  p_change_squared_.add(change * change);
  p_changes_.push_back(static_cast<float>(change));
  same_top_.add(index_of_largest(logits) == index_of_largest(base_) ? 1 : 0);
}

double Divergence::p_change_rms() const noexcept { return std::sqrt(p_change_squared_.value()); }

float Divergence::kl_percentile(double fraction) const { return percentile(kls_, fraction); }

float Divergence::p_change_percentile(double fraction) const {
  return percentile(p_changes_, fraction);
}

}  // namespace wattle::measure
