// SPDX-License-Identifier: Apache-2.0
#include "sampling/check_params.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "wattle/error.h"

namespace wattle::sampling {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr size_t kVocab = 100;

using Change = std::function<void(SamplingParams&)>;

std::string error_of(const Change& change) {
  SamplingParams params;
  change(params);
  try {
    check_params(params, kVocab);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    return e.what();
  }
  return {};
}

TEST(CheckParams, AcceptsTheDefaultsAndEveryOffSwitch) {
  EXPECT_EQ(error_of([](SamplingParams&) {}), "");
  EXPECT_EQ(error_of([](SamplingParams& p) {
              p.temperature = 0;
              p.top_k = 0;
              p.top_p = 1;
              p.min_p = 0;
              p.repeat_last_n = -1;
              p.dry_penalty_last_n = 0;
              p.dry_sequence_breakers.clear();
              p.logit_bias = {{TokenId(0), -kInf}, {TokenId(99), 5.0f}};
            }),
            "");
}

TEST(CheckParams, RefusesWhatIsOutOfRangeAndNamesTheFlag) {
  const struct {
    const char* flag;
    Change change;
  } cases[] = {
      {"--temp", [](SamplingParams& p) { p.temperature = -0.1f; }},
      {"--temp", [](SamplingParams& p) { p.temperature = kNan; }},
      {"--temp", [](SamplingParams& p) { p.temperature = kInf; }},
      {"--top-k", [](SamplingParams& p) { p.top_k = -1; }},
      {"--top-p", [](SamplingParams& p) { p.top_p = 1.1f; }},
      {"--top-p", [](SamplingParams& p) { p.top_p = kNan; }},
      {"--min-p", [](SamplingParams& p) { p.min_p = -0.1f; }},
      {"--typical", [](SamplingParams& p) { p.typical_p = 2.0f; }},
      {"--repeat-last-n", [](SamplingParams& p) { p.repeat_last_n = -2; }},
      {"--repeat-penalty", [](SamplingParams& p) { p.repeat_penalty = 0.0f; }},
      {"--repeat-penalty", [](SamplingParams& p) { p.repeat_penalty = kNan; }},
      {"--frequency-penalty", [](SamplingParams& p) { p.frequency_penalty = kInf; }},
      {"--presence-penalty", [](SamplingParams& p) { p.presence_penalty = kNan; }},
      {"--dry-multiplier", [](SamplingParams& p) { p.dry_multiplier = -1.0f; }},
      {"--dry-base", [](SamplingParams& p) { p.dry_base = 0.5f; }},
      {"--dry-allowed-length", [](SamplingParams& p) { p.dry_allowed_length = 0; }},
      {"--dry-penalty-last-n", [](SamplingParams& p) { p.dry_penalty_last_n = -2; }},
      {"--dry-sequence-breaker", [](SamplingParams& p) { p.dry_sequence_breakers = {""}; }},
      {"--logit-bias", [](SamplingParams& p) { p.logit_bias = {{TokenId(100), 1.0f}}; }},
      {"--logit-bias", [](SamplingParams& p) { p.logit_bias = {{TokenId(-1), 1.0f}}; }},
      {"--logit-bias", [](SamplingParams& p) { p.logit_bias = {{TokenId(5), kInf}}; }},
      {"--logit-bias", [](SamplingParams& p) { p.logit_bias = {{TokenId(5), kNan}}; }},
  };
  for (const auto& c : cases) EXPECT_EQ(error_of(c.change).find(c.flag), 0u) << c.flag;
}

}  // namespace
}  // namespace wattle::sampling
