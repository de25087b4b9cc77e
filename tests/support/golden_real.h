// SPDX-License-Identifier: Apache-2.0
// The reference data of trained models (golden/real/README.md), in its two forms: `greedy` files
// (cases with greedy continuations, a short text with its likelihood) and `forced` files (exact
// distributions along a forced continuation and along a long text).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/golden_dir.h"
#include "tests/support/model_runner.h"

namespace wattle::test {

// The likeliest tokens with their log probabilities, in nats.
using TopTokens = std::vector<std::pair<int32_t, double>>;

struct GreedyCase {
  Tokens prompt;
  std::vector<std::pair<int32_t, double>> first_top_logits;
  std::vector<int32_t> greedy;
};

struct ForcedCase {
  std::string name;
  Tokens prompt;
  Tokens forced;
  std::vector<TopTokens> exact_top;  // [forced.size()]
  double llama_cpp_kl = 0;           // mean over the steps
};

struct GoldenReal {
  std::string name;
  std::string model_file;
  std::optional<std::filesystem::path> model;  // nothing: not fetched
  std::vector<GreedyCase> greedy_cases;
  std::vector<ForcedCase> forced_cases;
  Tokens text;
  double text_nll = 0;  // exact, mean over text[1..]
  std::vector<TopTokens> text_top_every_4th;
  double text_llama_cpp_kl = 0;  // mean over those positions
};

// Beside the json, else in the model folder.
inline std::optional<std::filesystem::path> find_model_file(const std::filesystem::path& json,
                                                            const std::string& file) {
  std::vector<std::filesystem::path> folders{json.parent_path()};
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : nullptr;
  };
  if (const char* models = set("WATTLE_MODELS")) {
    folders.emplace_back(models);
  } else if (const char* data = set("XDG_DATA_HOME")) {
    folders.push_back(std::filesystem::path(data) / "wattle" / "models");
  } else if (const char* home = set("HOME")) {
    folders.push_back(std::filesystem::path(home) / ".local" / "share" / "wattle" / "models");
  }
  for (const auto& folder : folders) {
    if (std::filesystem::exists(folder / file)) return folder / file;
  }
  return std::nullopt;
}

inline GoldenReal read_golden_real(const std::filesystem::path& path) {
  const auto json = nlohmann::json::parse(std::ifstream(path));
  GoldenReal golden;
  golden.name = path.stem().string();
  golden.model_file = json.at("model").get<std::string>();
  golden.model = find_model_file(path, golden.model_file);
  for (const auto& c : json.at("cases")) {
    if (c.contains("greedy_ids")) {
      golden.greedy_cases.push_back({.prompt = to_tokens(c.at("prompt_ids")),
                                     .first_top_logits = c.at("first_top8_logits"),
                                     .greedy = c.at("greedy_ids")});
    } else {
      golden.forced_cases.push_back({.name = c.at("name"),
                                     .prompt = to_tokens(c.at("prompt_ids")),
                                     .forced = to_tokens(c.at("forced_ids")),
                                     .exact_top = c.at("exact_top"),
                                     .llama_cpp_kl = c.at("llama_cpp").at("kl_top_mean")});
    }
  }
  if (json.contains("nll")) {
    golden.text = to_tokens(json.at("nll").at("ids"));
    golden.text_nll = json.at("nll").at("mean_nll");
  } else {
    const auto& text = json.at("text");
    golden.text = to_tokens(text.at("ids"));
    golden.text_nll = text.at("nll_mean_exact");
    golden.text_top_every_4th = text.at("exact_top_every_4th").get<std::vector<TopTokens>>();
    golden.text_llama_cpp_kl = text.at("llama_cpp_every_4th").at("kl_top_mean");
  }
  return golden;
}

inline std::vector<std::filesystem::path> golden_real_files() {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(golden_dir() / "real", error)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// log of the sum of exp.
inline double log_sum_exp(std::span<const float> logits) {
  const double max = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float x : logits) sum += std::exp(x - max);
  return max + std::log(sum);
}

// KL divergence of our distribution from the exact one, in nats, over the tokens listed and one
// bucket for all others.
inline double kl_divergence(const TopTokens& exact, std::span<const float> logits) {
  const double norm = log_sum_exp(logits);
  double kl = 0;
  double rest_p = 1;
  double rest_q = 1;
  for (const auto& [id, log_p] : exact) {
    const double log_q = logits[static_cast<size_t>(id)] - norm;
    kl += std::exp(log_p) * (log_p - log_q);
    rest_p -= std::exp(log_p);
    rest_q -= std::exp(log_q);
  }
  // What is left of a nearly certain step is below the four decimals of the reference.
  constexpr double kTiny = 1e-7;
  rest_p = std::max(rest_p, kTiny);
  rest_q = std::max(rest_q, kTiny);
  return kl + rest_p * std::log(rest_p / rest_q);
}

struct TextResult {
  double nll = 0;
  double kl = 0;  // 0 without exact distributions
};

// Feeds the text in pieces of `piece` rows.
inline TextResult run_text(ModelRunner& runner, const GoldenReal& golden, size_t piece) {
  TextResult result;
  const SeqId seq = runner.new_sequence();
  runner.feed_each(seq, golden.text, piece, [&](size_t i, std::span<const float> row) {
    if (i + 1 < golden.text.size()) {
      result.nll += log_sum_exp(row) - row[static_cast<size_t>(to_int(golden.text[i + 1]))];
    }
    if (i % 4 == 0 && i / 4 < golden.text_top_every_4th.size()) {
      result.kl += kl_divergence(golden.text_top_every_4th[i / 4], row);
    }
  });
  runner.cache().free_sequence(seq);
  result.nll /= static_cast<double>(golden.text.size() - 1);
  if (!golden.text_top_every_4th.empty()) {
    result.kl /= static_cast<double>(golden.text_top_every_4th.size());
  }
  return result;
}

// Mean divergence over the forced steps of a case: the prompt in one piece, then token by token.
inline double run_forced_case(ModelRunner& runner, const ForcedCase& c) {
  double kl = 0;
  const SeqId seq = runner.new_sequence();
  runner.feed_each(seq, c.prompt, c.prompt.size(), [&](size_t i, std::span<const float> row) {
    if (i + 1 == c.prompt.size()) kl += kl_divergence(c.exact_top[0], row);
  });
  const std::span<const TokenId> fed{c.forced.data(), c.exact_top.size() - 1};
  runner.feed_each(seq, fed, 1, [&](size_t i, std::span<const float> row) {
    kl += kl_divergence(c.exact_top[i + 1], row);
  });
  runner.cache().free_sequence(seq);
  return kl / static_cast<double>(c.exact_top.size());
}

}  // namespace wattle::test
