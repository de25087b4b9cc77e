// SPDX-License-Identifier: Apache-2.0
#include "sampling/dry.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace wattle::sampling {

BreakerScan::BreakerScan(std::vector<std::string> breakers, AppendTokenBytes token_bytes)
    : breakers_(std::move(breakers)), token_bytes_(std::move(token_bytes)) {
  for (const std::string& breaker : breakers_) longest_ = std::max(longest_, breaker.size());
}

void BreakerScan::accept(TokenId token) {
  ++n_since_;
  if (longest_ == 0) return;
  const size_t old_size = tail_.size();
  token_bytes_(token, tail_);
  for (const std::string& breaker : breakers_) {
    // Only what ends inside the new token: an earlier end has been seen with an earlier token.
    const size_t from = old_size - std::min(old_size, breaker.size() - 1);
    if (tail_.find(breaker, from) == std::string::npos) continue;
    n_since_ = 0;
    break;
  }
  tail_.erase(0, tail_.size() - std::min(tail_.size(), longest_ - 1));
}

namespace {

// z[i] = length of the longest common prefix of the sequence and its part from i on, where the
// sequence is the window read from its newest token backwards. z[0] is not used.
void z_function_reversed(std::span<const TokenId> window, std::vector<uint32_t>& z) {
  const size_t n = window.size();
  const auto at = [&](size_t i) { return window[n - 1 - i]; };
  z.assign(n, 0);
  size_t left = 0;  // [left, right): the match found so far that reaches furthest
  size_t right = 0;
  for (size_t i = 1; i < n; ++i) {
    size_t len = i < right ? std::min<size_t>(right - i, z[i - left]) : 0;
    while (i + len < n && at(len) == at(i + len)) ++len;
    z[i] = static_cast<uint32_t>(len);
    if (i + len > right) {
      left = i;
      right = i + len;
    }
  }
}

// Beyond this a logit would leave the range of float; nothing is ever sampled at -1e30.
constexpr double kMaxPenalty = 1e30;

}  // namespace

void Dry::apply(std::span<const TokenId> window, size_t max_repeat, std::span<float> logits) {
  if (max_repeat < factors_.allowed_length || window.size() <= factors_.allowed_length) return;
  z_function_reversed(window, z_);

  const size_t n = window.size();
  const auto follower = [&](size_t i) { return static_cast<size_t>(to_int(window[n - i])); };
  for (size_t i = 1; i < n; ++i) {
    const auto repeat = static_cast<uint32_t>(std::min<size_t>(z_[i], max_repeat));
    uint32_t& longest = longest_[follower(i)];
    longest = std::max(longest, repeat);
  }
  for (size_t i = 1; i < n; ++i) {
    const size_t id = follower(i);
    const size_t repeat = std::exchange(longest_[id], 0);
    if (repeat < factors_.allowed_length) continue;
    const double penalty =
        factors_.multiplier * std::pow(static_cast<double>(factors_.base),
                                       static_cast<double>(repeat - factors_.allowed_length));
    logits[id] -= static_cast<float>(std::min(penalty, kMaxPenalty));
  }
}

}  // namespace wattle::sampling
