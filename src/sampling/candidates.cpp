// SPDX-License-Identifier: Apache-2.0
#include "sampling/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace wattle::sampling {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

bool better(const Candidate& a, const Candidate& b) noexcept {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// All weights are exp(logit - best) in double, so that the last bit of a libm, which differs
// between machines, practically never decides about a token.
double weight(const Candidate& c, double best) noexcept {
  return std::exp(static_cast<double>(c.logit) - best);
}

// Cuts `c` to its shortest prefix in the order `before` (strict and total) whose weight reaches
// `target`. Sorts no further than needed: piece by piece, each four times the one before.
template <class Before>
void keep_weight(std::vector<Candidate>& c, double best, double target, const Before& before) {
  size_t n_sorted = 0;
  double sum = 0.0;
  for (size_t i = 0; i < c.size(); ++i) {
    if (i == n_sorted) {
      n_sorted = std::min(c.size(), std::max<size_t>(64, 4 * n_sorted));
      const auto begin = c.begin() + static_cast<std::ptrdiff_t>(i);
      const auto end = c.begin() + static_cast<std::ptrdiff_t>(n_sorted);
      if (end != c.end()) std::nth_element(begin, end, c.end(), before);
      std::sort(begin, end, before);
    }
    sum += weight(c[i], best);
    if (sum >= target) {
      c.resize(i + 1);
      return;
    }
  }
}

}  // namespace

void Candidates::take_best(std::span<const float> logits, size_t k) {
  candidates_.clear();
  if (k == 0 || k >= logits.size()) {
    for (size_t i = 0; i < logits.size(); ++i) {
      if (logits[i] != kForbidden) candidates_.push_back({TokenId(static_cast<int>(i)), logits[i]});
    }
    if (k != 0) std::sort(candidates_.begin(), candidates_.end(), better);
    return;
  }

  // A heap of the best so far, its worst in front. Nearly all logits are below that one: a block
  // is compared as a whole, which the compiler turns into vector code, and looked into only where
  // something in it passes. Ids rise, so of equal logits the first stays, as "better" asks.
  constexpr size_t kBlock = 64;
  float bar = kForbidden;
  for (size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const size_t end = std::min(begin + kBlock, logits.size());
    if (end - begin == kBlock) {
      int above = 0;
      for (size_t j = 0; j < kBlock; ++j) above |= static_cast<int>(logits[begin + j] > bar);
      if (above == 0) continue;
    }
    for (size_t i = begin; i < end; ++i) {
      if (!(logits[i] > bar)) continue;
      if (candidates_.size() == k) {
        std::pop_heap(candidates_.begin(), candidates_.end(), better);
        candidates_.pop_back();
      }
      candidates_.push_back({TokenId(static_cast<int>(i)), logits[i]});
      std::push_heap(candidates_.begin(), candidates_.end(), better);
      if (candidates_.size() == k) bar = candidates_.front().logit;
    }
  }
  std::sort_heap(candidates_.begin(), candidates_.end(), better);
}

void Candidates::keep_if(const std::function<bool(TokenId)>& fits, size_t k) {
  size_t n_kept = 0;
  for (size_t i = 0; i < candidates_.size() && n_kept < k; ++i) {
    if (fits(candidates_[i].id)) candidates_[n_kept++] = candidates_[i];
  }
  candidates_.resize(n_kept);
}

void Candidates::keep_top_p(double share) {
  const double best = best_logit();
  double total = 0.0;
  for (const Candidate& c : candidates_) total += weight(c, best);
  keep_weight(candidates_, best, share * total, better);
}

void Candidates::keep_typical(double share) {
  const double best = best_logit();
  double total = 0.0;
  for (const Candidate& c : candidates_) total += weight(c, best);
  // surprise(c) = log(total) - (logit - best); its mean is the entropy.
  double mean_below_best = 0.0;
  for (const Candidate& c : candidates_) {
    mean_below_best += weight(c, best) / total * (best - static_cast<double>(c.logit));
  }
  const auto distance = [&](const Candidate& c) {
    return std::abs((best - static_cast<double>(c.logit)) - mean_below_best);
  };
  keep_weight(candidates_, best, share * total, [&](const Candidate& a, const Candidate& b) {
    const double da = distance(a);
    const double db = distance(b);
    return da != db ? da < db : better(a, b);
  });
}

void Candidates::keep_min_p(double ratio) {
  if (ratio <= 0.0) return;
  const double bar = best_logit() + std::log(ratio);
  std::erase_if(candidates_, [&](const Candidate& c) { return c.logit < bar; });
}

TokenId Candidates::draw(double temperature, double unit) const {
  const double best = best_logit();
  const auto scaled = [&](const Candidate& c) {
    return std::exp((static_cast<double>(c.logit) - best) / temperature);
  };
  double total = 0.0;
  for (const Candidate& c : candidates_) total += scaled(c);
  const double target = unit * total;
  double sum = 0.0;
  for (const Candidate& c : candidates_) {
    sum += scaled(c);
    if (sum > target) return c.id;
  }
  return candidates_.back().id;  // unit < 1, but unit * total may round up to total
}

double Candidates::best_logit() const noexcept {
  float best = kForbidden;
  for (const Candidate& c : candidates_) best = std::max(best, c.logit);
  return best;
}

}  // namespace wattle::sampling
