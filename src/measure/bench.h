// SPDX-License-Identifier: Apache-2.0
// Times an engine at work: prompts, generation, or one after the other, at a depth of context.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "wattle/engine.h"

namespace wattle::measure {

// What llama-bench calls pp512, tg128, pp512+tg128, tg128 @ d4096. The tokens of the depth are
// computed beforehand and are no part of the time.
struct BenchTest {
  uint32_t n_prompt = 0;
  uint32_t n_gen = 0;
  uint32_t n_depth = 0;

  std::string name() const;
  uint32_t n_ctx() const noexcept { return n_depth + n_prompt + n_gen; }  // what it needs
  uint32_t n_tokens() const noexcept { return n_prompt + n_gen; }         // what is timed
};

struct BenchOptions {
  uint32_t n_repetitions = 5;
  uint32_t n_batch = 512;  // prompt tokens fed at once
  bool warm_up = true;     // once before, not timed
  // Before each step of the work; returning false ends it with Error{cancelled}. repetition 0 is
  // the warm-up.
  std::function<bool(uint32_t repetition)> on_step{};
};

struct BenchSamples {
  std::vector<uint64_t> ns;  // [n_repetitions]
  // Of the bits of the last logits of a repetition. Which tokens are fed depends on the test and
  // the vocabulary alone, so equal hashes mean equal arithmetic.
  uint64_t logits_hash = 0;
  bool repeatable = true;  // every repetition had that hash

  double mean_ns() const;
  double deviation_ns() const;                                    // of a sample, 0 for one
  std::vector<double> tokens_per_s(const BenchTest& test) const;  // of each
  double mean_tokens_per_s(const BenchTest& test) const;
  double deviation_tokens_per_s(const BenchTest& test) const;
};

// Tokens are random ones; they need not make sense to take their time. The engine's context holds
// test.n_ctx(). Throws Error as the engine does.
BenchSamples run_bench(Engine& engine, const BenchTest& test, const BenchOptions& options);

}  // namespace wattle::measure
