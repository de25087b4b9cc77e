// SPDX-License-Identifier: Apache-2.0
// The flags of sampling, under the names of llama.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wattle/sampling_params.h"

namespace wattle::cli {

// Bound to the flags of an app: must outlive the parsing and stay where it is. Ranges are checked
// by the engine.
struct SamplingFlags {
  void add_to(CLI::App& app);
  // What was given, on top of `base`. Throws Error{usage} for a malformed --logit-bias.
  SamplingParams apply_to(SamplingParams base) const;

  std::optional<int64_t> seed;  // -1: a fresh one
  std::optional<float> temperature;
  std::optional<int32_t> top_k;
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<float> typical_p;
  std::optional<int32_t> repeat_last_n;
  std::optional<float> repeat_penalty;
  std::optional<float> frequency_penalty;
  std::optional<float> presence_penalty;
  std::optional<float> dry_multiplier;
  std::optional<float> dry_base;
  std::optional<int32_t> dry_allowed_length;
  std::optional<int32_t> dry_penalty_last_n;
  std::vector<std::string> dry_sequence_breakers;
  std::vector<std::string> logit_bias;
};

}  // namespace wattle::cli
