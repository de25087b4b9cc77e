// SPDX-License-Identifier: Apache-2.0
// `wattle perplexity`: how well a model predicts a text, and how far it is from another engine or
// another type of weights.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/open_engine.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/status_line.h"
#include "cli/text_file.h"
#include "measure/divergence.h"
#include "measure/logits_file.h"
#include "measure/mean.h"
#include "measure/softmax.h"
#include "measure/text_plan.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

using measure::Divergence;
using measure::LogitsFile;
using measure::LogitsFileWriter;
using measure::Mean;
using measure::TextPlan;
using Json = nlohmann::ordered_json;

constexpr size_t kMaxTextBytes = size_t{1} << 30;
constexpr uint32_t kDefaultContext = 512;
constexpr double kFractions[] = {0, 0.001, 0.01, 0.05, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1};

struct Flags {
  EngineFlags engine;
  Reporting reporting;
  std::string text;
  uint32_t stride = 0;
  uint32_t n_chunks = 0;
  std::string logits;
  bool kl_divergence = false;
  bool json = false;

  uint32_t n_ctx() const { return engine.n_ctx != 0 ? engine.n_ctx : kDefaultContext; }
};

double perplexity_of(const Mean& nll) { return std::exp(nll.value()); }
double perplexity_error(const Mean& nll) { return perplexity_of(nll) * nll.error(); }

// "chunk 3 of 40: perplexity 12.3456", written over on a terminal.
class ChunkProgress {
 public:
  ChunkProgress(bool enabled, uint32_t n_chunk) : enabled_(enabled), n_chunk_(n_chunk) {}

  void done(uint32_t chunk, const Mean& nll) {
    if (!enabled_) return;
    const std::string text =
        fmt::format("chunk {} of {}: perplexity {:.4f}", chunk + 1, n_chunk_, perplexity_of(nll));
    line_.show(text);
    if (!line_.on_terminal()) print_err(text + "\n");
  }

 private:
  bool enabled_;
  uint32_t n_chunk_;
  StatusLine line_;
};

// Opens the model with room for `window` tokens.
std::unique_ptr<Engine> open(const Flags& flags, uint32_t window, const Interrupt& interrupt) {
  EngineParams params = flags.engine.params();
  params.n_ctx = window;
  return open_engine(params, flags.reporting, interrupt);
}

Json perplexity_json(const Mean& nll, const TextPlan& plan) {
  Json json;
  json["perplexity"] = perplexity_of(nll);
  json["perplexity_error"] = perplexity_error(nll);
  json["nll"] = nll.value();
  json["nll_error"] = nll.error();
  json["n_scored"] = nll.n();
  json["n_chunk"] = plan.n_chunk;
  json["window"] = plan.window;
  json["step"] = plan.step;
  return json;
}

void print_json(const Json& json) { print_out(json.dump(2) + "\n"); }

int score(const Flags& flags) {
  const Interrupt interrupt;
  std::error_code error;  // a name that cannot be is told where the file is made
  if (!flags.logits.empty() && std::filesystem::exists(flags.logits, error)) {
    throw Error(ErrorCode::io, fmt::format("{}: there is something of this name", flags.logits),
                "--kl-divergence compares with what it holds; to write it anew, remove it first");
  }
  const std::string text = read_text_file(flags.text, kMaxTextBytes);
  const auto engine = open(flags, measure::window_of(flags.n_ctx(), flags.stride), interrupt);
  const std::vector<TokenId> tokens = engine->tokenize(text, {.parse_special = false});
  const TextPlan plan =
      flags.stride == 0
          ? measure::plan_chunks(tokens.size(), flags.n_ctx(), flags.n_chunks)
          : measure::plan_strides(tokens.size(), flags.n_ctx(), flags.stride, flags.n_chunks);

  std::optional<LogitsFileWriter> logits_file;
  if (!flags.logits.empty()) {
    logits_file.emplace(
        flags.logits, measure::LogitsFileHeader{plan.window, engine->model().n_vocab, plan.n_chunk},
        std::span(tokens).first(size_t{plan.n_chunk} * plan.window));
  }
  Mean nll;
  {
    ChunkProgress progress(!flags.reporting.quiet, plan.n_chunk);
    measure::read_text(
        *engine, tokens, plan, [&] { interrupt.check(); },
        [&](uint32_t chunk, uint32_t row, std::span<const float> logits, TokenId next) {
          nll.add(-measure::Softmax(logits).log_prob(logits[static_cast<size_t>(to_int(next))]));
          if (logits_file) logits_file->add(logits);
          if (row + 1 == plan.n_scored) progress.done(chunk, nll);
        });
  }
  if (logits_file) logits_file->commit();

  if (flags.json) {
    print_json(perplexity_json(nll, plan));
  } else {
    print_out(fmt::format("perplexity {:.4f} ± {:.4f} ({} tokens in {} windows of {})\n",
                          perplexity_of(nll), perplexity_error(nll), nll.n(), plan.n_chunk,
                          plan.window));
  }
  return kExitOk;
}

Json divergence_json(const Divergence& d, const TextPlan& plan) {
  Json json = perplexity_json(d.nll(), plan);
  json["perplexity_base"] = perplexity_of(d.nll_base());
  json["log_ratio"] = d.log_ratio().value();
  json["log_ratio_error"] = d.log_ratio().error();
  json["kl"] = d.kl().value();
  json["kl_error"] = d.kl().error();
  json["same_top"] = d.same_top().value();
  json["same_top_error"] = d.same_top().error();
  json["p_change"] = d.p_change().value();
  json["p_change_rms"] = d.p_change_rms();
  for (const double fraction : kFractions) {
    const std::string name = fmt::format("{}", 100 * fraction);
    json["kl_percentiles"][name] = d.kl_percentile(fraction);
    json["p_change_percentiles"][name] = d.p_change_percentile(fraction);
  }
  return json;
}

std::string divergence_text(const Divergence& d) {
  std::string text = fmt::format("perplexity          {:>12.4f} ± {:.4f}\n", perplexity_of(d.nll()),
                                 perplexity_error(d.nll()));
  text += fmt::format("perplexity of base  {:>12.4f} ± {:.4f}\n", perplexity_of(d.nll_base()),
                      perplexity_error(d.nll_base()));
  text += fmt::format("log of their ratio  {:>12.6f} ± {:.6f}\n", d.log_ratio().value(),
                      d.log_ratio().error());
  text += fmt::format("KL divergence       {:>12.6f} ± {:.6f}\n", d.kl().value(), d.kl().error());
  text += fmt::format("same best token     {:>10.3f} % ± {:.3f} %\n", 100 * d.same_top().value(),
                      100 * d.same_top().error());
  text += fmt::format("change of p, mean   {:>10.3f} % ± {:.3f} %\n", 100 * d.p_change().value(),
                      100 * d.p_change().error());
  text += fmt::format("change of p, RMS    {:>10.3f} %\n\n", 100 * d.p_change_rms());
  text += fmt::format("{:>12}{:>16}{:>16}\n", "percentile", "KL divergence", "change of p");
  for (const double fraction : kFractions) {
    text += fmt::format("{:>10} %{:>16.6f}{:>14.3f} %\n", 100 * fraction, d.kl_percentile(fraction),
                        100 * d.p_change_percentile(fraction));
  }
  return text;
}

int compare(const Flags& flags) {
  const Interrupt interrupt;
  const LogitsFile base(flags.logits);
  const measure::LogitsFileHeader& header = base.header();
  const uint32_t n_chunk =
      flags.n_chunks == 0 ? header.n_chunk : std::min(flags.n_chunks, header.n_chunk);
  const TextPlan plan = {.window = header.n_ctx,
                         .step = header.n_ctx,
                         .first_scored = measure::first_scored_position(header.n_ctx),
                         .n_scored = measure::scored_positions(header.n_ctx),
                         .n_chunk = n_chunk,
                         .starts_with_bos = true};
  const auto engine = open(flags, plan.window, interrupt);
  if (engine->model().n_vocab != header.n_vocab) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: a vocabulary of {} tokens, and {} has {}", flags.logits,
                            header.n_vocab, engine->model().name, engine->model().n_vocab),
                "the logits are of another model");
  }
  Divergence divergence;
  {
    ChunkProgress progress(!flags.reporting.quiet, plan.n_chunk);
    measure::read_text(
        *engine, base.tokens(), plan, [&] { interrupt.check(); },
        [&](uint32_t chunk, uint32_t row, std::span<const float> logits, TokenId next) {
          divergence.add(logits, base.row(chunk, row), next);
          if (row + 1 == plan.n_scored) progress.done(chunk, divergence.nll());
        });
  }
  if (flags.json) {
    print_json(divergence_json(divergence, plan));
  } else {
    print_out(divergence_text(divergence));
  }
  return kExitOk;
}

int perplexity(const Flags& flags) {
  if (flags.kl_divergence) {
    if (flags.logits.empty()) {
      throw Error(ErrorCode::usage,
                  "wattle perplexity: --kl-divergence has nothing to compare with",
                  "name the file of saved logits with --kl-divergence-base");
    }
    if (!flags.text.empty() || flags.stride != 0 || flags.engine.n_ctx != 0) {
      throw Error(
          ErrorCode::usage,
          "wattle perplexity: with --kl-divergence the text and its pieces are those of the "
          "saved logits",
          "leave out -f, -c and --stride");
    }
    return compare(flags);
  }
  if (flags.text.empty()) {
    throw Error(ErrorCode::usage, "wattle perplexity: no text", "-f names a file; - is stdin");
  }
  if (flags.stride != 0 && !flags.logits.empty()) {
    throw Error(ErrorCode::usage, "wattle perplexity: logits of strides cannot be saved",
                "the file has no place for them; leave out --stride");
  }
  return score(flags);
}

}  // namespace

Command add_perplexity(CLI::App& program) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app =
      program.add_subcommand("perplexity", "how well a model predicts a text, and KL divergence");
  app->add_option("-f,--file", flags->text, "the text; - is stdin")->type_name("FILE");
  app->add_option("--stride,--ppl-stride", flags->stride,
                  "overlap the pieces, this far from one to the next (default 0: side by side)")
      ->type_name("N");
  app->add_option("--chunks", flags->n_chunks, "pieces at most (default 0: all)")->type_name("N");
  app->add_option("--kl-divergence-base,--save-all-logits", flags->logits,
                  "write all logits to this file, in the format of llama-perplexity")
      ->type_name("FILE");
  app->add_flag("--kl-divergence", flags->kl_divergence,
                "compare with the logits in that file instead");
  app->add_flag("--json", flags->json, "print one JSON object");
  flags->engine.add_to(*app);
  app->get_option("--ctx-size")->description("tokens of a piece (default 512)");
  flags->reporting.add_to(*app);
  app->footer(
      "Pieces, flags and file are those of llama-perplexity, so numbers can be compared; how far "
      "to\n"
      "trust them is in docs/measuring.md.");
  return {app, [flags] { return perplexity(*flags); }};
}

}  // namespace wattle::cli
