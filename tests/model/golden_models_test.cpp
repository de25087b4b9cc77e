// SPDX-License-Identifier: Apache-2.0
// Every architecture and weight type against exact logits (golden/models/README.md).
#include <gtest/gtest.h>

#include "model/registry.h"
#include "tests/support/golden_model.h"

namespace wattle::test {
namespace {

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  const CpuFeatures features = detect_cpu_features();
  for (const Isa isa : all_isas_fastest_first()) {
    if (features.supports(isa)) isas.push_back(isa);
  }
  return isas;
}

// The reference set keeps activations in f32: what is left is the rounding of f32 between the
// operators, at most 1.5e-6 (worst logit) and 3.3e-7 (rms) of the spread over all models when this
// was written.
Deviation tolerance_of(const GoldenModel& golden, Isa isa) {
  if (isa != Isa::reference) return golden.tolerance;
  return {2e-5 * golden.logits_std, 4e-6 * golden.logits_std};
}

class GoldenModels : public testing::TestWithParam<Isa> {};

TEST_P(GoldenModels, MatchExactLogitsInOneBatchAndInPieces) {
  WATTLE_NEEDS_GOLDEN("models");
  const auto files = golden_model_files();
  EXPECT_FALSE(files.empty());
  for (const auto& file : files) {
    const GoldenModel golden = read_golden_model(file);
    SCOPED_TRACE(golden.name);
    const Deviation tolerance = tolerance_of(golden, GetParam());
    const std::span<const TokenId> prompt = golden.prompt;
    const Tokens fed = golden.fed();
    ModelRunner runner(golden.gguf, {.isa = GetParam(), .n_threads = 2});
    for (const size_t piece : {prompt.size(), size_t{1}, size_t{7}, size_t{8}, size_t{16}}) {
      const SeqId seq = runner.new_sequence();
      Logits logits = runner.feed(seq, prompt, piece);
      for (auto& row : runner.feed(seq, std::span(fed).subspan(prompt.size()), 1)) {
        logits.push_back(std::move(row));
      }
      runner.cache().free_sequence(seq);
      const Deviation d = deviation_from_exact(golden, logits);
      EXPECT_LE(d.max_abs, tolerance.max_abs) << "pieces of " << piece;
      EXPECT_LE(d.rms, tolerance.rms) << "pieces of " << piece;
      EXPECT_EQ(wrong_greedy_steps(golden, logits, tolerance.max_abs), std::vector<size_t>{})
          << "pieces of " << piece;
    }
  }
}

TEST_P(GoldenModels, EveryLayerMatchesTheExactResidualStream) {
  WATTLE_NEEDS_GOLDEN("models");
  if (GetParam() != Isa::reference) GTEST_SKIP() << "quantised activations have no layer tolerance";
  for (const auto& file : golden_model_files()) {
    const GoldenModel golden = read_golden_model(file);
    if (golden.layer_output_last.empty()) continue;
    ModelRunner runner(golden.gguf, {.isa = GetParam()});
    runner.model().observe_layers([&](size_t il, MatView<const float> h) {
      const auto& exact = golden.layer_output_last.at(il);
      double scale = 0;
      double worst = 0;
      for (size_t i = 0; i < h.n_cols; ++i) {
        scale = std::max(scale, std::abs(static_cast<double>(exact.at(i))));
        worst = std::max(worst, std::abs(static_cast<double>(h.row(h.n_rows - 1)[i]) - exact[i]));
      }
      EXPECT_LE(worst, 1e-3 * scale) << golden.name << " layer " << il;
    });
    runner.feed(runner.new_sequence(), golden.prompt, golden.prompt.size());
  }
}

// What rounding the cache alone does, of the spread of the logits (docs/numerics.md).
TEST(GoldenModelsCache, RoundedKeysAndValuesStayNearExact) {
  WATTLE_NEEDS_GOLDEN("models");
  const auto expect_near = [](const GoldenModel& golden, kernels::KvType type, Deviation bound) {
    ModelRunner runner(golden.gguf, {.isa = Isa::reference, .kv = type});
    const Deviation d =
        deviation_from_exact(golden, runner.feed(runner.new_sequence(), golden.fed(), 24));
    EXPECT_LE(d.max_abs, bound.max_abs * golden.logits_std) << golden.name;
    EXPECT_LE(d.rms, bound.rms * golden.logits_std) << golden.name;
  };
  size_t n_q8_0 = 0;
  for (const auto& file : golden_model_files()) {
    const GoldenModel golden = read_golden_model(file);
    expect_near(golden, kernels::KvType::f16, {1e-2, 2e-3});
    bool whole_blocks = true;  // heads that q8_0 can hold
    for (const LayerHparams& layer : read_hparams(gguf::File(golden.gguf)).layers) {
      whole_blocks &= layer.head_dim_k % 32 == 0 && layer.head_dim_v % 32 == 0;
    }
    if (!whole_blocks) continue;
    ++n_q8_0;
    expect_near(golden, kernels::KvType::q8_0, {0.4, 0.05});
  }
  EXPECT_GT(n_q8_0, 0u);
}

INSTANTIATE_TEST_SUITE_P(EveryIsa, GoldenModels, testing::ValuesIn(available_isas()),
                         [](const auto& param) { return std::string(isa_name(param.param)); });

}  // namespace
}  // namespace wattle::test
