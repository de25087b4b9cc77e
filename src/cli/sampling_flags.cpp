// SPDX-License-Identifier: Apache-2.0
#include "cli/sampling_flags.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "wattle/error.h"

namespace wattle::cli {
namespace {

// "15043+1.5", "15043-inf": a token id, a sign, how much.
std::pair<TokenId, float> parse_logit_bias(const std::string& text) {
  const char* const end = text.data() + text.size();
  int32_t id = 0;
  const auto [sign, id_error] = std::from_chars(text.data(), end, id);
  if (id_error == std::errc() && id >= 0 && sign != end && (*sign == '+' || *sign == '-')) {
    float bias = 0.0f;
    const auto [rest, bias_error] = std::from_chars(sign + 1, end, bias);
    if (bias_error == std::errc() && rest == end && bias >= 0.0f) {
      return {static_cast<TokenId>(id), *sign == '-' ? -bias : bias};
    }
  }
  throw Error(ErrorCode::usage,
              fmt::format("--logit-bias: '{}' is not a token id, a sign and a number", text),
              "such as 15043+1.5, or 15043-inf to forbid the token; `wattle tokenize` tells ids");
}

template <class T>
void override_with(const std::optional<T>& given, T& value) {
  if (given) value = *given;
}

}  // namespace

void SamplingFlags::add_to(CLI::App& app) {
  const std::string group =
      "Sampling (defaults: 0.8, 40, 0.95, 0.05, or what the model recommends)";
  const auto add = [&](const char* names, auto& value, const char* meaning) {
    app.add_option(names, value, meaning)->type_name("N")->group(group)->configurable();
  };
  add("-s,--seed", seed, "seed of the random numbers (default -1: a fresh one)");
  add("--temp,--temperature", temperature, "temperature; 0: always the likeliest token");
  add("--top-k", top_k, "only the k likeliest tokens; 0: off");
  add("--top-p", top_p, "only the likeliest tokens that make up p; 1: off");
  add("--min-p", min_p, "only tokens at least p times as likely as the likeliest; 0: off");
  add("--typical,--typical-p", typical_p, "locally typical sampling; 1: off");
  add("--repeat-last-n", repeat_last_n, "how far back penalties look; -1: the whole context");
  add("--repeat-penalty", repeat_penalty, "divides the logits of seen tokens; 1: off");
  add("--frequency-penalty", frequency_penalty, "subtracted for each time a token was seen");
  add("--presence-penalty", presence_penalty, "subtracted once for a seen token");
  add("--dry-multiplier", dry_multiplier, "DRY against repeated phrases; 0: off");
  add("--dry-base", dry_base, "DRY: growth with the length of the repetition");
  add("--dry-allowed-length", dry_allowed_length, "DRY: length that costs nothing");
  add("--dry-penalty-last-n", dry_penalty_last_n, "DRY: how far back; -1: the whole context");
  app.add_option("--dry-sequence-breaker", dry_sequence_breakers,
                 "DRY: text no repetition reaches across; `none` for none; may be repeated")
      ->configurable()
      ->type_name("TEXT")
      ->group(group)
      ->allow_extra_args(false);
  app.add_option("--logit-bias", logit_bias, "ID+N or ID-N, added to a logit; may be repeated")
      ->configurable()
      ->type_name("ID+N")
      ->group(group)
      ->allow_extra_args(false);
}

SamplingParams SamplingFlags::apply_to(SamplingParams base) const {
  if (seed && *seed >= 0) base.seed = static_cast<uint64_t>(*seed);
  override_with(temperature, base.temperature);
  override_with(top_k, base.top_k);
  override_with(top_p, base.top_p);
  override_with(min_p, base.min_p);
  override_with(typical_p, base.typical_p);
  override_with(repeat_last_n, base.repeat_last_n);
  override_with(repeat_penalty, base.repeat_penalty);
  override_with(frequency_penalty, base.frequency_penalty);
  override_with(presence_penalty, base.presence_penalty);
  override_with(dry_multiplier, base.dry_multiplier);
  override_with(dry_base, base.dry_base);
  override_with(dry_allowed_length, base.dry_allowed_length);
  override_with(dry_penalty_last_n, base.dry_penalty_last_n);
  if (!dry_sequence_breakers.empty()) {
    base.dry_sequence_breakers.clear();
    for (const std::string& text : dry_sequence_breakers) {
      if (text != "none") base.dry_sequence_breakers.push_back(text);
    }
  }
  for (const std::string& text : logit_bias) base.logit_bias.push_back(parse_logit_bias(text));
  return base;
}

}  // namespace wattle::cli
