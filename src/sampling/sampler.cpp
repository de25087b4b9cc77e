// SPDX-License-Identifier: Apache-2.0
#include "sampling/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "sampling/check_params.h"
#include "wattle/error.h"

namespace wattle::sampling {
namespace {

// How many of the best tokens are asked for, for k that must be allowed.
constexpr size_t kMoreThanEnough = 2;
constexpr size_t kAtLeast = 32;

const SamplingParams& checked(const SamplingParams& params, size_t n_vocab) {
  check_params(params, n_vocab);
  return params;
}

// NaN compares false, so this is the test for "a number below +inf" that vectorises.
bool all_below_inf(std::span<const float> logits) noexcept {
  int bad = 0;
  for (const float x : logits)
    bad |= static_cast<int>(!(x < std::numeric_limits<float>::infinity()));
  return bad == 0;
}

// Somewhere on the way from the model's logits to the adjusted ones; says where.
[[noreturn]] void throw_not_a_number(std::span<const float> logits) {
  if (all_below_inf(logits)) {
    throw Error(ErrorCode::usage, "a logit leaves the range of numbers by its bias and penalties",
                "use smaller values for --logit-bias and the penalties");
  }
  const auto bad = std::find_if_not(logits.begin(), logits.end(), [](float x) {
    return x < std::numeric_limits<float>::infinity();
  });
  throw Error(ErrorCode::bad_input,
              fmt::format("the logit of token {} is {}, expected a finite number or -inf",
                          bad - logits.begin(), *bad),
              "the weights are damaged or outside the range of this build; compare the file's "
              "checksum with its source");
}

[[noreturn]] void throw_nothing_fits() {
  throw Error(ErrorCode::bad_input, "grammar: no token of the vocabulary may come next",
              "the grammar asks for characters that this model cannot write, or --logit-bias "
              "forbids them");
}

}  // namespace

Sampler::Sampler(const SamplingParams& params, size_t n_vocab, AppendTokenBytes token_bytes)
    : params_(checked(params, n_vocab)),
      seed_(params.seed ? *params.seed : fresh_seed()),
      rng_(seed_),
      logits_(n_vocab) {
  const PenaltyFactors factors{.repeat = params.repeat_penalty,
                               .frequency = params.frequency_penalty,
                               .presence = params.presence_penalty};
  if (!factors.off() && params.repeat_last_n != 0) penalties_.emplace(factors, n_vocab);
  if (params.dry_multiplier > 0.0f && params.dry_penalty_last_n != 0) {
    dry_.emplace(DryFactors{.multiplier = params.dry_multiplier,
                            .base = params.dry_base,
                            .allowed_length = static_cast<size_t>(params.dry_allowed_length)},
                 n_vocab);
    breakers_.emplace(params.dry_sequence_breakers, std::move(token_bytes));
  }
}

void Sampler::accept(TokenId token) {
  WATTLE_ASSERT(to_int(token) >= 0 && static_cast<size_t>(to_int(token)) < logits_.size());
  history_.push_back(token);
  if (breakers_) breakers_->accept(token);
  if (constraint_ != nullptr) constraint_->accept(token);
}

TokenId Sampler::sample(std::span<const float> logits) {
  WATTLE_ASSERT(logits.size() == logits_.size());
  std::copy(logits.begin(), logits.end(), logits_.begin());

  for (const auto& [id, bias] : params_.logit_bias)
    logits_[static_cast<size_t>(to_int(id))] += bias;
  if (penalties_) penalties_->apply(last_n(params_.repeat_last_n), logits_);
  if (dry_) dry_->apply(last_n(params_.dry_penalty_last_n), breakers_->n_since(), logits_);
  if (!all_below_inf(logits_)) throw_not_a_number(logits);

  const bool greedy = params_.temperature == 0.0f;
  take_best(greedy ? 1 : static_cast<size_t>(params_.top_k));
  if (candidates_.all().empty()) {
    if (constraint_ != nullptr) throw_nothing_fits();
    throw Error(ErrorCode::usage, "every token of the vocabulary is forbidden (its logit is -inf)",
                "take some of the --logit-bias options away");
  }
  if (greedy) return candidates_.all().front().id;

  if (params_.typical_p < 1.0f) candidates_.keep_typical(params_.typical_p);
  if (params_.top_p < 1.0f) candidates_.keep_top_p(params_.top_p);
  candidates_.keep_min_p(params_.min_p);
  return candidates_.draw(params_.temperature, rng_.next_unit());
}

// The k best of the tokens that the constraint allows. Which those are is seldom worth knowing: of
// the best of all tokens, most are allowed where the model follows the grammar by itself. Where k
// of them are, they are the ones looked for; only else every token is asked about.
void Sampler::take_best(size_t k) {
  if (constraint_ == nullptr) {
    candidates_.take_best(logits_, k);
    return;
  }
  if (k != 0) {
    candidates_.take_best(logits_, kMoreThanEnough * k + kAtLeast);
    candidates_.keep_if([&](TokenId id) { return constraint_->allows(id); }, k);
    if (candidates_.all().size() == k) return;
  }
  constraint_->forbid(logits_);
  candidates_.take_best(logits_, k);
}

std::span<const TokenId> Sampler::last_n(int32_t n) const noexcept {
  const std::span<const TokenId> history = history_;
  if (n < 0) return history;
  return history.last(std::min(history.size(), static_cast<size_t>(n)));
}

}  // namespace wattle::sampling
