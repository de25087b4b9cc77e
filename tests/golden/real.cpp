// SPDX-License-Identifier: Apache-2.0
// real/: trained models with answers computed from float64 or float32 arithmetic over the
// dequantised weights. A file is one of two forms:
//  - exact_top: the 16 likeliest tokens with their exact log probability, along a forced
//    continuation and along a text. Our KL divergence from them may be at most 1.1 times what was
//    recorded for llama.cpp, averaged over the cases, and over the text.
//  - greedy_ids: what float arithmetic generates greedily, to be met exactly by float weights and
//    compared by teacher forcing where weights are quantised.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "logits.h"
#include "store/places.h"
#include "tally.h"

namespace wattle::golden {
namespace {

constexpr double kMostOfLlamaCpp = 1.1;

// KL divergence, in nats, of the logits from an exact distribution known by its 16 likeliest
// tokens: over those and one bucket for the rest.
double kl_top(const nlohmann::json& exact_top, std::span<const float> logits) {
  const double normaliser = log_sum_exp(logits);
  double kl = 0;
  double exact_rest = 1;
  double our_rest = 1;
  for (const auto& entry : exact_top) {
    const double log_p = entry.at(1).get<double>();
    const double log_q = double{logits[entry.at(0).get<size_t>()]} - normaliser;
    kl += std::exp(log_p) * (log_p - log_q);
    exact_rest -= std::exp(log_p);
    our_rest -= std::exp(log_q);
  }
  constexpr double kFloor = 1e-12;  // the stored log probabilities have four decimals
  exact_rest = std::max(exact_rest, kFloor);
  our_rest = std::max(our_rest, kFloor);
  return kl + exact_rest * std::log(exact_rest / our_rest);
}

double mean_nll(const LogitRows& rows, std::span<const TokenId> ids) {
  double sum = 0;
  for (size_t i = 1; i < ids.size(); ++i) {
    const auto row = rows.row(i - 1);
    sum += log_sum_exp(row) - double{row[static_cast<size_t>(to_int(ids[i]))]};
  }
  return sum / static_cast<double>(ids.size() - 1);
}

void check_exact_top(const std::string& name, const nlohmann::json& golden, Engine& engine,
                     Tally& tally) {
  double kl_sum = 0;
  double llama_sum = 0;
  size_t n_best_equal = 0;
  size_t n_steps = 0;
  for (const auto& item : golden.at("cases")) {
    std::vector<TokenId> ids = ids_of(item.at("prompt_ids"));
    const size_t n_prompt = ids.size();
    const std::vector<TokenId> forced = ids_of(item.at("forced_ids"));
    ids.insert(ids.end(), forced.begin(), forced.end());
    const LogitRows rows = all_logits(engine, ids);
    const auto& exact_top = item.at("exact_top");
    double kl = 0;
    for (size_t step = 0; step < exact_top.size(); ++step) {
      const auto row = rows.row(n_prompt - 1 + step);
      kl += kl_top(exact_top[step], row);
      n_best_equal += argmax(row) == exact_top[step][0][0].get<size_t>();
    }
    n_steps += exact_top.size();
    kl_sum += kl / static_cast<double>(exact_top.size());
    llama_sum += item.at("llama_cpp").at("kl_top_mean").get<double>();
    // Text to ids: special tokens in the prompt are parsed. Whether a BOS belongs in front is the
    // model's rule; the prompts of chat models carry theirs in the text.
    const std::string prompt = item.at("prompt").get<std::string>();
    const auto ours = engine.tokenize(prompt, {.add_bos = true, .parse_special = true});
    tally.check(ours == ids_of(item.at("prompt_ids")),
                fmt::format("{}: case {}: prompt tokenises differently", name,
                            item.at("name").get<std::string>()));
  }
  const auto n_cases = static_cast<double>(golden.at("cases").size());
  const double kl_mean = kl_sum / n_cases;
  const double kl_limit = kMostOfLlamaCpp * llama_sum / n_cases;
  const std::string kl_line =
      fmt::format("{}: KL over the cases {:.3g} (at most {:.3g}), best token equal {}/{}", name,
                  kl_mean, kl_limit, n_best_equal, n_steps);
  tally.check(kl_mean <= kl_limit, kl_line);
  tally.note(kl_line);

  const auto& text = golden.at("text");
  const std::vector<TokenId> ids = ids_of(text.at("ids"));
  const LogitRows rows = all_logits(engine, ids);
  const auto& every_4th = text.at("exact_top_every_4th");
  double kl_text = 0;
  for (size_t i = 0; i < every_4th.size(); ++i) kl_text += kl_top(every_4th[i], rows.row(4 * i));
  kl_text /= static_cast<double>(every_4th.size());
  const double text_limit =
      kMostOfLlamaCpp * text.at("llama_cpp_every_4th").at("kl_top_mean").get<double>();
  const double nll = mean_nll(rows, ids);
  const double nll_exact = text.at("nll_mean_exact").get<double>();
  const std::string text_line = fmt::format(
      "{}: KL over the text {:.3g} (at most {:.3g}), mean NLL {:.5f} (exact {:.5f}, llama.cpp "
      "{:.5f})",
      name, kl_text, text_limit, nll, nll_exact, text.at("nll_mean_llama_cpp").get<double>());
  tally.check(kl_text <= text_limit, text_line);
  tally.note(text_line);
  // The mean log likelihood averages the noise out: a tenth of a percent is far above rounding and
  // far below any wrong formula.
  const double nll_slack =
      std::max(0.01, 2 * std::abs(text.at("nll_mean_llama_cpp").get<double>() - nll_exact));
  tally.check(std::abs(nll - nll_exact) <= nll_slack, text_line);
}

// README of the data: llama.cpp's first logits lie within 0.11 and its mean NLL within 0.008 of
// these for quantised weights; float weights must meet them to rounding.
void check_greedy(const std::string& name, const nlohmann::json& golden, Engine& engine,
                  bool float_weights, Tally& tally) {
  const double logit_slack = float_weights ? 1e-3 : 0.4;
  const double rms_slack = float_weights ? 1e-3 : 0.14;
  const double nll_slack = float_weights ? 1e-4 : 0.012;
  double squares = 0;
  size_t n_logits = 0;
  for (const auto& item : golden.at("cases")) {
    const std::string where =
        fmt::format("{}: prompt \"{}\"", name, item.at("prompt").get<std::string>());
    std::vector<TokenId> ids = ids_of(item.at("prompt_ids"));
    tally.check(engine.tokenize(item.at("prompt").get<std::string>(), {}) == ids,
                where + ": tokenises differently");
    const size_t n_prompt = ids.size();
    const std::vector<TokenId> greedy = ids_of(item.at("greedy_ids"));
    ids.insert(ids.end(), greedy.begin(), greedy.end());
    const LogitRows rows = all_logits(engine, ids);
    double worst = 0;
    for (const auto& entry : item.at("first_top8_logits")) {
      const double got = rows.row(n_prompt - 1)[entry.at(0).get<size_t>()];
      const double diff = std::abs(got - entry.at(1).get<double>());
      worst = std::max(worst, diff);
      squares += diff * diff;
      ++n_logits;
    }
    tally.check(worst <= logit_slack,
                fmt::format("{}: first logits differ by {:.4g} (at most {:.4g})", where, worst,
                            logit_slack));
    // Along the golden ids ours must be the best token, or within the noise of the best.
    double lead = 0;
    for (size_t step = 0; step < greedy.size(); ++step) {
      const auto row = rows.row(n_prompt - 1 + step);
      const double golden_logit = row[static_cast<size_t>(to_int(greedy[step]))];
      lead = std::max(lead, double{row[argmax(row)]} - golden_logit);
    }
    const double lead_slack = float_weights ? 0 : logit_slack;
    tally.check(lead <= lead_slack,
                fmt::format("{}: another token leads the golden one by {:.4g} (at most {:.4g})",
                            where, lead, lead_slack));
  }
  const double rms = std::sqrt(squares / static_cast<double>(std::max<size_t>(1, n_logits)));
  tally.check(
      rms <= rms_slack,
      fmt::format("{}: root mean square of the first logits' differences {:.4g} (at most {:.4g})",
                  name, rms, rms_slack));
  const auto& nll = golden.at("nll");
  const std::vector<TokenId> ids = ids_of(nll.at("ids"));
  tally.check(engine.tokenize(nll.at("text").get<std::string>(), {}) == ids,
              name + ": the text tokenises differently");
  const double got = mean_nll(all_logits(engine, ids), ids);
  const double expected = nll.at("mean_nll").get<double>();
  tally.check(std::abs(got - expected) <= nll_slack,
              fmt::format("{}: mean NLL {:.5f}, expected {:.5f} within {}", name, got, expected,
                          nll_slack));
  tally.note(fmt::format("{}: mean NLL {:.5f} (golden {:.5f}), first logits off by {:.3g} rms",
                         name, got, expected, rms));
}

// Beside the json, else in the folder of the models.
std::filesystem::path find_model(const std::filesystem::path& folder, const std::string& file) {
  if (std::filesystem::exists(folder / file)) return folder / file;
  return store::places_from_environment().own_folder() / file;
}

size_t longest_case(const nlohmann::json& golden) {
  size_t longest = 0;
  for (const auto& item : golden.at("cases")) {
    const auto& rest = item.contains("forced_ids") ? item["forced_ids"] : item.at("greedy_ids");
    longest = std::max(longest, item.at("prompt_ids").size() + rest.size());
  }
  const auto& text = golden.contains("text") ? golden["text"] : golden.at("nll");
  return std::max(longest, text.at("ids").size());
}

}  // namespace

void check_real(const std::filesystem::path& folder, Tally& tally) {
  for (const auto& path : files_with_extension(folder, ".json")) {
    const std::string name = "real/" + path.stem().string();
    try {
      const nlohmann::json golden = read_json(path);
      const std::filesystem::path model = find_model(folder, golden.at("model").get<std::string>());
      if (!std::filesystem::exists(model)) {
        tally.skip(
            fmt::format("{}: no model file {}; `./dev fetch smollm2` and `./dev fetch gemma3-270m` "
                        "get the two that are too large to store",
                        name, model.string()));
        continue;
      }
      Engine engine(exact_kv_params(model, static_cast<uint32_t>(longest_case(golden)), 512));
      if (golden.contains("text")) {
        check_exact_top(name, golden, engine, tally);
      } else {
        const bool float_weights = path.stem().string().ends_with("f32");
        check_greedy(name, golden, engine, float_weights, tally);
      }
    } catch (const Error& e) {
      tally.fail(fmt::format("{}: {} ({})", name, e.what(), e.hint()));
    } catch (const nlohmann::json::exception& e) {
      tally.fail(fmt::format("{}: {}", name, e.what()));
    }
  }
}

}  // namespace wattle::golden
