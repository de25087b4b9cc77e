// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/constraint.h"

#include <algorithm>
#include <limits>

namespace wattle::grammar {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

// Models write an empty line behind their reasoning, which is no part of the answer.
constexpr uint8_t kNewlinesAfterReasoning = 2;

}  // namespace

Constraint::Constraint(TokenMatcher& matcher, const Vocabulary& vocab, const Options& options)
    : matcher_(matcher), vocab_(vocab), reasoning_(options.reasoning) {
  if (reasoning_) phase_ = reasoning_->is_open ? Phase::reasoning : Phase::may_reason;
  position_ = {.config = matcher.start(),
               .dropped = ' ',
               .n_dropped = static_cast<uint8_t>(options.drops_first_space ? 1 : 0)};
  position_ = matcher_.settle(position_);
}

bool Constraint::is_end(TokenId token) const noexcept {
  return std::find(vocab_.ends.begin(), vocab_.ends.end(), token) != vocab_.ends.end();
}

bool Constraint::allows(TokenId token) {
  if (phase_ == Phase::reasoning) return !is_end(token);
  if (phase_ == Phase::may_reason && token == reasoning_->open) return true;
  if (is_end(token)) return matcher_.may_end(position_);
  return matcher_.after(position_, token).config != Machine::kRefused;
}

void Constraint::forbid(std::span<float> logits) {
  const auto logit = [&](TokenId id) -> float& { return logits[static_cast<size_t>(to_int(id))]; };
  if (phase_ == Phase::reasoning) {
    for (const TokenId end : vocab_.ends) logit(end) = kForbidden;
    return;
  }
  spared_.clear();
  if (phase_ == Phase::may_reason) spared_.emplace_back(reasoning_->open, logit(reasoning_->open));
  if (matcher_.may_end(position_)) {
    for (const TokenId end : vocab_.ends) spared_.emplace_back(end, logit(end));
  }
  const auto mask = matcher_.allowed(position_);
  for (size_t i = 0; i < logits.size(); ++i) {
    if (((mask[i / 64] >> (i % 64)) & 1) == 0) logits[i] = kForbidden;
  }
  for (const auto& [id, value] : spared_) logit(id) = value;
}

void Constraint::accept(TokenId token) {
  if (phase_ == Phase::reasoning) {
    if (token != reasoning_->close) return;
    phase_ = Phase::answer;
    position_.dropped = '\n';
    position_.n_dropped = kNewlinesAfterReasoning;
    return;
  }
  if (phase_ == Phase::may_reason) {
    if (token == reasoning_->open) {
      phase_ = Phase::reasoning;
      return;
    }
    phase_ = Phase::answer;
  }
  position_ = matcher_.settle(matcher_.after(position_, token));
}

bool Constraint::is_complete() const noexcept {
  return phase_ == Phase::answer && matcher_.may_end(position_) && !matcher_.may_go_on(position_);
}

}  // namespace wattle::grammar
