// SPDX-License-Identifier: Apache-2.0
// Times an engine at work: prompts, generation, or one after the other, at a depth of context.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "wattle/engine.h"

namespace wattle::measure {

// What llama-bench calls pp512, tg128, pp512+tg128, tg128 @ d4096; and several sequences that do it
// side by side, each with so many tokens: tg128 x4. The tokens of the depth are computed beforehand
// and are no part of the time.
struct BenchTest {
  uint32_t n_prompt = 0;
  uint32_t n_gen = 0;
  uint32_t n_depth = 0;
  uint32_t n_parallel = 1;

  std::string name() const;
  uint32_t n_ctx() const noexcept { return n_depth + n_prompt + n_gen; }  // what a sequence needs
  uint64_t n_tokens() const noexcept {                                    // what is timed, of all
    return uint64_t{n_parallel} * (n_prompt + n_gen);
  }
};

struct BenchOptions {
  uint32_t n_repetitions = 5;
  uint32_t n_batch = 512;  // prompt tokens fed at once
  bool warm_up = true;     // once before, not timed
  // Before each step of each sequence, never by two threads at once; returning false ends the work
  // with Error{cancelled}. repetition 0 is the warm-up.
  std::function<bool(uint32_t repetition)> on_step{};
};

struct BenchSamples {
  std::vector<uint64_t> ns;  // [n_repetitions]
  // Of the bits of the last logits of a repetition. Which tokens are fed depends on the test and
  // the vocabulary alone, so equal hashes mean equal arithmetic. Of several sequences they may
  // differ where others than before were in a batch: docs/numerics.md.
  uint64_t logits_hash = 0;
  bool repeatable = true;  // every repetition had that hash

  double mean_ns() const;
  double deviation_ns() const;                                    // of a sample, 0 for one
  std::vector<double> tokens_per_s(const BenchTest& test) const;  // of each
  double mean_tokens_per_s(const BenchTest& test) const;
  double deviation_tokens_per_s(const BenchTest& test) const;
};

// Tokens are random ones; they need not make sense to take their time. The engine's context holds
// test.n_ctx(). Several sequences are fed by a thread each, as a program with several users does
// it. Throws Error as the engine does.
BenchSamples run_bench(Engine& engine, const BenchTest& test, const BenchOptions& options);

}  // namespace wattle::measure
