// SPDX-License-Identifier: Apache-2.0
#include "measure/bench.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <span>

#include "base/assert.h"
#include "base/split_mix64.h"
#include "wattle/error.h"

namespace wattle::measure {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<TokenId> random_tokens(size_t n, uint32_t n_vocab, uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<TokenId> ids;
  ids.reserve(n);
  for (size_t i = 0; i < n; ++i)
    ids.push_back(TokenId{static_cast<int32_t>(random.next() % n_vocab)});
  return ids;
}

// One test on one engine: the tokens, and the sequence they go to.
class Run {
 public:
  Run(Engine& engine, const BenchTest& test, const BenchOptions& options)
      : test_(test),
        options_(options),
        sequence_(engine.new_raw_sequence()),
        depth_(random_tokens(test.n_depth, engine.model().n_vocab, 1)),
        tokens_(random_tokens(test.n_tokens(), engine.model().n_vocab, 2)) {}

  // The depth is kept from one repetition to the next where the cache can go back to it.
  void go_to_depth(uint32_t repetition) {
    if (sequence_->truncate(test_.n_depth) != test_.n_depth) feed(depth_, repetition, false);
  }

  void prompt(uint32_t repetition) {
    feed(std::span(tokens_).first(test_.n_prompt), repetition, test_.n_gen == 0);
  }

  void generate(uint32_t n, uint32_t repetition) {
    for (uint32_t i = 0; i < n; ++i) {
      step(repetition);
      sequence_->feed({&tokens_[test_.n_prompt + i], 1}, RawSequence::Want::last,
                      [&](std::span<const float> row) { keep(row); });
    }
  }

  uint64_t last_hash() const { return XXH3_64bits(last_.data(), last_.size() * sizeof(float)); }

 private:
  void step(uint32_t repetition) {
    if (options_.on_step && !options_.on_step(repetition)) {
      throw Error(ErrorCode::cancelled, "interrupted");
    }
  }

  void feed(std::span<const TokenId> ids, uint32_t repetition, bool wants_logits) {
    for (size_t begin = 0; begin < ids.size(); begin += options_.n_batch) {
      step(repetition);
      const auto piece = ids.subspan(begin, std::min<size_t>(options_.n_batch, ids.size() - begin));
      const bool is_last = begin + piece.size() == ids.size();
      sequence_->feed(piece,
                      wants_logits && is_last ? RawSequence::Want::last : RawSequence::Want::none,
                      [&](std::span<const float> row) { keep(row); });
    }
  }

  // Hashed after the clock has stopped.
  void keep(std::span<const float> row) { last_.assign(row.begin(), row.end()); }

  const BenchTest& test_;
  const BenchOptions& options_;
  std::unique_ptr<RawSequence> sequence_;
  std::vector<TokenId> depth_;
  std::vector<TokenId> tokens_;
  std::vector<float> last_;
};

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double middle = mean(values);
  double squares = 0;
  for (const double v : values) squares += (v - middle) * (v - middle);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace

std::string BenchTest::name() const {
  std::string text;
  if (n_prompt != 0) text += fmt::format("pp{}", n_prompt);
  if (n_gen != 0) text += fmt::format("{}tg{}", n_prompt != 0 ? "+" : "", n_gen);
  if (n_depth != 0) text += fmt::format(" @ d{}", n_depth);
  return text;
}

double BenchSamples::mean_ns() const { return mean({ns.begin(), ns.end()}); }
double BenchSamples::deviation_ns() const { return deviation({ns.begin(), ns.end()}); }

std::vector<double> BenchSamples::tokens_per_s(const BenchTest& test) const {
  std::vector<double> speeds;
  speeds.reserve(ns.size());
  for (const uint64_t sample : ns)
    speeds.push_back(1e9 * test.n_tokens() / static_cast<double>(sample));
  return speeds;
}

double BenchSamples::mean_tokens_per_s(const BenchTest& test) const {
  return mean(tokens_per_s(test));
}
double BenchSamples::deviation_tokens_per_s(const BenchTest& test) const {
  return deviation(tokens_per_s(test));
}

BenchSamples run_bench(Engine& engine, const BenchTest& test, const BenchOptions& options) {
  WATTLE_ASSERT(test.n_tokens() > 0 && test.n_ctx() <= engine.n_ctx());
  Run run(engine, test, options);
  if (options.warm_up) {
    run.go_to_depth(0);
    run.prompt(0);
    run.generate(std::min(test.n_gen, 1u), 0);
  }
  BenchSamples samples;
  for (uint32_t repetition = 1; repetition <= options.n_repetitions; ++repetition) {
    run.go_to_depth(repetition);
    const Clock::time_point start = Clock::now();
    run.prompt(repetition);
    run.generate(test.n_gen, repetition);
    const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start);
    samples.ns.push_back(static_cast<uint64_t>(std::max<int64_t>(time.count(), 1)));
    const uint64_t hash = run.last_hash();
    if (repetition == 1) samples.logits_hash = hash;
    samples.repeatable = samples.repeatable && hash == samples.logits_hash;
  }
  return samples;
}

}  // namespace wattle::measure
