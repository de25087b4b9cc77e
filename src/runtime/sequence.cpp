// SPDX-License-Identifier: Apache-2.0
#include "runtime/sequence.h"

#include <algorithm>

#include "base/assert.h"

namespace wattle::runtime {

Sequence::Sequence(EngineCore& core) : core_(core), owner_(core), logits_(core.n_logits()) {
  tokens_.reserve(core.n_ctx());  // so that nothing can fail between forward and its record
}

Sequence::Assigned Sequence::assign(std::span<const TokenId> tokens,
                                    const std::atomic<bool>& cancelled) {
  WATTLE_ASSERT(!tokens.empty() && tokens.size() <= core_.n_ctx());
  const auto common = static_cast<size_t>(
      std::mismatch(tokens.begin(), tokens.end(), tokens_.begin(), tokens_.end()).first -
      tokens.begin());
  // The last token is always computed: the cache keeps no logits.
  const auto n_keep = static_cast<uint32_t>(std::min(common, tokens.size() - 1));
  tokens_.resize(core_.truncate(owner_.id(), n_keep));

  Assigned result{.n_reused = size()};
  while (tokens_.size() < tokens.size()) {
    if (cancelled.load(std::memory_order_relaxed)) {
      result.complete = false;
      break;
    }
    const size_t n_left = tokens.size() - tokens_.size();
    const size_t n = std::min<size_t>(n_left, core_.n_batch());
    compute(tokens.subspan(tokens_.size(), n), n == n_left);
  }
  return result;
}

void Sequence::append(TokenId token) { compute({&token, 1}, true); }

std::span<const float> Sequence::logits() const noexcept {
  return std::span(logits_).first(core_.tokenizer().n_vocab());
}

void Sequence::compute(std::span<const TokenId> piece, bool want_logits) {
  const uint32_t last[] = {static_cast<uint32_t>(piece.size() - 1)};
  core_.forward(owner_.id(), size(), piece,
                want_logits ? std::span(last) : std::span<const uint32_t>(),
                {logits_.data(), 1, logits_.size()});
  tokens_.insert(tokens_.end(), piece.begin(), piece.end());
}

}  // namespace wattle::runtime
