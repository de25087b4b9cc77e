// SPDX-License-Identifier: Apache-2.0
#include "sampling/penalties.h"

namespace wattle::sampling {

void Penalties::apply(std::span<const TokenId> window, std::span<float> logits) noexcept {
  for (const TokenId token : window) ++count_[static_cast<size_t>(to_int(token))];
  for (const TokenId token : window) {
    const auto id = static_cast<size_t>(to_int(token));
    const uint32_t n = count_[id];
    if (n == 0) continue;  // an earlier occurrence has seen to it
    count_[id] = 0;
    float& logit = logits[id];
    logit = logit > 0.0f ? logit / factors_.repeat : logit * factors_.repeat;
    logit -= static_cast<float>(n) * factors_.frequency + factors_.presence;
  }
}

}  // namespace wattle::sampling
