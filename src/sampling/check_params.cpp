// SPDX-License-Identifier: Apache-2.0
#include "sampling/check_params.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "wattle/error.h"

namespace wattle::sampling {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

template <class T>
void expect(bool ok, const char* flag, T value, const char* expected, const char* hint = "") {
  if (ok) return;
  throw Error(ErrorCode::usage, fmt::format("{} is {}, expected {}", flag, value, expected), hint);
}

void expect_share(const char* flag, float value, const char* hint) {
  expect(value >= 0.0f && value <= 1.0f, flag, value, "a number from 0 to 1", hint);
}

}  // namespace

void check_params(const SamplingParams& p, size_t n_vocab) {
  expect(std::isfinite(p.temperature) && p.temperature >= 0.0f, "--temp", p.temperature,
         "a finite number, 0 or more", "0 takes the likeliest token each time");
  expect(p.top_k >= 0, "--top-k", p.top_k, "0 or more", "0 switches it off");
  expect_share("--top-p", p.top_p, "1 switches it off");
  expect_share("--min-p", p.min_p, "0 switches it off");
  expect_share("--typical", p.typical_p, "1 switches it off");

  expect(p.repeat_last_n >= -1, "--repeat-last-n", p.repeat_last_n, "-1 or more",
         "0 switches the penalties off, -1 looks at the whole context");
  expect(std::isfinite(p.repeat_penalty) && p.repeat_penalty > 0.0f, "--repeat-penalty",
         p.repeat_penalty, "a finite number above 0", "1 switches it off");
  expect(std::isfinite(p.frequency_penalty), "--frequency-penalty", p.frequency_penalty,
         "a finite number", "0 switches it off");
  expect(std::isfinite(p.presence_penalty), "--presence-penalty", p.presence_penalty,
         "a finite number", "0 switches it off");

  expect(std::isfinite(p.dry_multiplier) && p.dry_multiplier >= 0.0f, "--dry-multiplier",
         p.dry_multiplier, "a finite number, 0 or more", "0 switches DRY off");
  expect(std::isfinite(p.dry_base) && p.dry_base >= 1.0f, "--dry-base", p.dry_base,
         "a finite number, 1 or more");
  expect(p.dry_allowed_length >= 1, "--dry-allowed-length", p.dry_allowed_length, "1 or more");
  expect(p.dry_penalty_last_n >= -1, "--dry-penalty-last-n", p.dry_penalty_last_n, "-1 or more",
         "0 switches DRY off, -1 looks at the whole context");
  for (const std::string& breaker : p.dry_sequence_breakers) {
    expect(!breaker.empty(), "--dry-sequence-breaker", "empty", "a text");
  }

  if (p.grammar && p.json_schema) {
    throw Error(ErrorCode::usage,
                "--grammar and --json-schema are both given, expected one of them");
  }

  for (const auto& [id, bias] : p.logit_bias) {
    expect(to_int(id) >= 0 && static_cast<size_t>(to_int(id)) < n_vocab, "--logit-bias: token",
           to_int(id), "an id of the vocabulary",
           fmt::format("ids go from 0 to {}", n_vocab - 1).c_str());
    expect(!std::isnan(bias) && bias != kInf, "--logit-bias: bias", bias, "a finite number or -inf",
           "-inf forbids the token");
  }
}

}  // namespace wattle::sampling
