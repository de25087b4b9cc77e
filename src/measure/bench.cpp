// SPDX-License-Identifier: Apache-2.0
#include "measure/bench.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <span>
#include <system_error>
#include <thread>

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

// Asks before each step whether to go on. Once the answer was no, or once a thread has failed, it
// is no for all threads.
class Progress {
 public:
  explicit Progress(const BenchOptions& options) : options_(options) {}

  void step(uint32_t repetition) {
    const std::lock_guard guard(mutex_);
    stopped_ = stopped_ || (options_.on_step && !options_.on_step(repetition));
    if (stopped_) throw Error(ErrorCode::cancelled, "interrupted");
  }
  void stop() {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
  }

 private:
  const BenchOptions& options_;
  std::mutex mutex_;
  bool stopped_ = false;
};

// One sequence of a test and the tokens that go to it.
class Stream {
 public:
  Stream(Engine& engine, const BenchTest& test, uint32_t n_batch, uint32_t index,
         Progress& progress)
      : test_(test),
        n_batch_(n_batch),
        progress_(progress),
        sequence_(engine.new_raw_sequence()),
        depth_(random_tokens(test.n_depth, engine.model().n_vocab, 2 * uint64_t{index} + 1)),
        tokens_(random_tokens(test.n_prompt + test.n_gen, engine.model().n_vocab,
                              2 * uint64_t{index} + 2)) {}

  // The depth is kept from one repetition to the next where the cache can go back to it.
  void go_to_depth(uint32_t repetition) {
    if (sequence_->truncate(test_.n_depth) != test_.n_depth) feed(depth_, repetition, false);
  }

  void prompt(uint32_t repetition) {
    feed(std::span(tokens_).first(test_.n_prompt), repetition, test_.n_gen == 0);
  }

  void generate(uint32_t n, uint32_t repetition) {
    for (uint32_t i = 0; i < n; ++i) {
      progress_.step(repetition);
      sequence_->feed({&tokens_[test_.n_prompt + i], 1}, RawSequence::Want::last,
                      [&](std::span<const float> row) {
                        if (i + 1 == n) keep(row);
                      });
    }
  }

  const std::vector<float>& last_logits() const { return last_; }

 private:
  void feed(std::span<const TokenId> ids, uint32_t repetition, bool wants_logits) {
    for (size_t begin = 0; begin < ids.size(); begin += n_batch_) {
      progress_.step(repetition);
      const auto piece = ids.subspan(begin, std::min<size_t>(n_batch_, ids.size() - begin));
      const bool is_last = begin + piece.size() == ids.size();
      sequence_->feed(piece,
                      wants_logits && is_last ? RawSequence::Want::last : RawSequence::Want::none,
                      [&](std::span<const float> row) { keep(row); });
    }
  }

  // Hashed after the clock has stopped.
  void keep(std::span<const float> row) { last_.assign(row.begin(), row.end()); }

  const BenchTest& test_;
  uint32_t n_batch_;
  Progress& progress_;
  std::unique_ptr<RawSequence> sequence_;
  std::vector<TokenId> depth_;
  std::vector<TokenId> tokens_;
  std::vector<float> last_;
};

// All sequences of one test on one engine.
class Run {
 public:
  Run(Engine& engine, const BenchTest& test, const BenchOptions& options) : progress_(options) {
    for (uint32_t i = 0; i < test.n_parallel; ++i) {
      streams_.push_back(std::make_unique<Stream>(engine, test, options.n_batch, i, progress_));
    }
  }

  // Calls work(stream) for all of them at the same time and returns when all are done. Throws the
  // first error.
  template <class Work>
  void side_by_side(const Work& work) {
    if (streams_.size() == 1) return work(*streams_.front());
    std::mutex mutex;
    std::exception_ptr first_error;
    const auto guarded = [&](Stream& stream) noexcept {
      try {
        work(stream);
      } catch (...) {
        // Before the others are stopped: theirs is only that they were.
        {
          const std::lock_guard guard(mutex);
          if (!first_error) first_error = std::current_exception();
        }
        progress_.stop();
      }
    };
    {
      std::vector<std::jthread> threads;
      try {
        for (const auto& stream : streams_) threads.emplace_back(guarded, std::ref(*stream));
      } catch (const std::system_error& error) {
        progress_.stop();
        throw Error(ErrorCode::out_of_memory,
                    fmt::format("cannot start a thread for each of {} sequences: {}",
                                streams_.size(), error.code().message()),
                    "measure fewer at once (-np)");
      }
    }
    if (first_error) std::rethrow_exception(first_error);
  }

  uint64_t last_hash() const {
    uint64_t hash = 0;
    for (const auto& stream : streams_) {
      const std::vector<float>& last = stream->last_logits();
      hash = XXH3_64bits_withSeed(last.data(), last.size() * sizeof(float), hash);
    }
    return hash;
  }

 private:
  Progress progress_;
  std::vector<std::unique_ptr<Stream>> streams_;
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
  if (n_parallel != 1) text += fmt::format(" x{}", n_parallel);
  if (n_depth != 0) text += fmt::format(" @ d{}", n_depth);
  return text;
}

double BenchSamples::mean_ns() const { return mean({ns.begin(), ns.end()}); }
double BenchSamples::deviation_ns() const { return deviation({ns.begin(), ns.end()}); }

std::vector<double> BenchSamples::tokens_per_s(const BenchTest& test) const {
  std::vector<double> speeds;
  speeds.reserve(ns.size());
  for (const uint64_t sample : ns)
    speeds.push_back(1e9 * static_cast<double>(test.n_tokens()) / static_cast<double>(sample));
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
  const auto go_to_depth = [&](uint32_t repetition) {
    run.side_by_side([&](Stream& stream) { stream.go_to_depth(repetition); });
  };
  const auto work = [&](uint32_t n_gen, uint32_t repetition) {
    run.side_by_side([&](Stream& stream) {
      stream.prompt(repetition);
      stream.generate(n_gen, repetition);
    });
  };
  if (options.warm_up) {
    go_to_depth(0);
    work(std::min(test.n_gen, 1u), 0);
  }
  BenchSamples samples;
  for (uint32_t repetition = 1; repetition <= options.n_repetitions; ++repetition) {
    go_to_depth(repetition);
    const Clock::time_point start = Clock::now();
    work(test.n_gen, repetition);
    const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start);
    samples.ns.push_back(static_cast<uint64_t>(std::max<int64_t>(time.count(), 1)));
    const uint64_t hash = run.last_hash();
    if (repetition == 1) samples.logits_hash = hash;
    samples.repeatable = samples.repeatable && hash == samples.logits_hash;
  }
  return samples;
}

}  // namespace wattle::measure
