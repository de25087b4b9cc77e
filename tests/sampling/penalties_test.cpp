// SPDX-License-Identifier: Apache-2.0
#include "sampling/penalties.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace wattle::sampling {
namespace {

// One token of the vocabulary after the other, counting anew for each.
std::vector<float> slowly(const PenaltyFactors& f, const std::vector<TokenId>& window,
                          std::vector<float> logits) {
  for (size_t id = 0; id < logits.size(); ++id) {
    const auto n = std::count(window.begin(), window.end(), TokenId(static_cast<int>(id)));
    if (n == 0) continue;
    logits[id] = logits[id] > 0 ? logits[id] / f.repeat : logits[id] * f.repeat;
    logits[id] -= static_cast<float>(n) * f.frequency + f.presence;
  }
  return logits;
}

TEST(Penalties, AgreeWithCountingEachTokenAnew) {
  std::mt19937 gen(1);
  for (int round = 0; round < 50; ++round) {
    const PenaltyFactors factors{.repeat = 1.0f + static_cast<float>(gen() % 10) / 10.0f,
                                 .frequency = static_cast<float>(gen() % 10) / 10.0f - 0.3f,
                                 .presence = static_cast<float>(gen() % 10) / 10.0f};
    std::vector<float> logits(40);
    for (float& x : logits) x = static_cast<float>(gen() % 2000) / 100.0f - 10.0f;
    logits[3] = -std::numeric_limits<float>::infinity();
    std::vector<TokenId> window(gen() % 60);
    for (TokenId& id : window) id = TokenId(static_cast<int>(gen() % 40));

    Penalties penalties(factors, logits.size());
    for (int again = 0; again < 2; ++again) {  // the counters must be 0 again after a call
      std::vector<float> got = logits;
      penalties.apply(window, got);
      EXPECT_EQ(got, slowly(factors, window, logits));
    }
  }
}

}  // namespace
}  // namespace wattle::sampling
