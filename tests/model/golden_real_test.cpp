// SPDX-License-Identifier: Apache-2.0
// Trained models against exact answers (golden/real/README.md).
#include "tests/support/golden_real.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace wattle::test {
namespace {

constexpr uint32_t kContext = 2048;
constexpr size_t kPiece = 64;

// Root mean square over the top logits of all cases. Rounding activations to 8 bits moves single
// logits of these models by up to 0.3 and all together by 0.08.
constexpr double kQuantisedLogitRms = 0.12;
constexpr double kFloatLogitRms = 1e-4;
constexpr double kQuantisedNll = 0.01;
constexpr double kFloatNll = 1e-4;

// Our divergence may be this much of llama.cpp's, averaged over the cases or over the text.
constexpr double kOfLlamaCpp = 1.1;

bool has_float_weights(const std::filesystem::path& model) {
  const gguf::File file(model);
  return std::all_of(file.tensors().begin(), file.tensors().end(),
                     [](const gguf::TensorInfo& t) { return t.dtype == DType::f32; });
}

void check_greedy(ModelRunner& runner, const GoldenReal& golden, bool exact) {
  double sum = 0;
  size_t n = 0;
  for (size_t i = 0; i < golden.greedy_cases.size(); ++i) {
    const GreedyCase& c = golden.greedy_cases[i];
    SCOPED_TRACE(fmt::format("case {}", i));
    Tokens fed = c.prompt;
    for (const int32_t id : c.greedy) fed.push_back(static_cast<TokenId>(id));
    const SeqId seq = runner.new_sequence();
    const Logits logits = runner.feed(seq, fed, kPiece);
    runner.cache().free_sequence(seq);
    for (const auto& [id, logit] : c.first_top_logits) {
      sum += std::pow(logits[c.prompt.size() - 1][static_cast<size_t>(id)] - logit, 2);
      ++n;
    }
    for (size_t step = 0; exact && step < c.greedy.size(); ++step) {
      EXPECT_EQ(argmax(logits[c.prompt.size() - 1 + step]), c.greedy[step]) << "step " << step;
    }
  }
  if (n == 0) return;
  EXPECT_LE(std::sqrt(sum / static_cast<double>(n)), exact ? kFloatLogitRms : kQuantisedLogitRms);
}

void check_forced(ModelRunner& runner, const GoldenReal& golden) {
  double ours = 0;
  double llama_cpp = 0;
  for (const ForcedCase& c : golden.forced_cases) {
    ours += run_forced_case(runner, c);
    llama_cpp += c.llama_cpp_kl;
  }
  EXPECT_LE(ours, kOfLlamaCpp * llama_cpp) << "cases: divergence from exact, sum of the means";
}

TEST(GoldenReal, TrainedModelsAnswerAsExactArithmeticDoes) {
  WATTLE_NEEDS_GOLDEN("real");
  const auto files = golden_real_files();
  EXPECT_FALSE(files.empty());
  for (const auto& file : files) {
    const GoldenReal golden = read_golden_real(file);
    SCOPED_TRACE(golden.name);
    if (!golden.model) {
      std::cout << golden.name << ": " << golden.model_file
                << " is not in the model folder; ./dev fetch gets it\n";
      continue;
    }
    ModelRunner runner(*golden.model, {.n_threads = 2, .n_batch = kPiece, .n_ctx = kContext});
    const bool exact = has_float_weights(*golden.model);
    check_greedy(runner, golden, exact);
    if (!golden.forced_cases.empty()) check_forced(runner, golden);

    const TextResult text = run_text(runner, golden, kPiece);
    EXPECT_NEAR(text.nll, golden.text_nll, exact ? kFloatNll : kQuantisedNll);
    if (!golden.text_top_every_4th.empty()) {
      EXPECT_LE(text.kl, kOfLlamaCpp * golden.text_llama_cpp_kl) << "text";
    }
  }
}

}  // namespace
}  // namespace wattle::test
