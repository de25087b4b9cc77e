// SPDX-License-Identifier: Apache-2.0
// What tests/golden does not see of the reference models (golden/models/README.md): the residual
// stream of every layer, which tells the layer where a bug sits, and rounded caches.
#include <gtest/gtest.h>

#include "model/registry.h"
#include "tests/support/golden_model.h"

namespace wattle::test {
namespace {

TEST(GoldenModels, EveryLayerMatchesTheExactResidualStream) {
  WATTLE_NEEDS_GOLDEN("models");
  for (const auto& file : golden_model_files()) {
    const GoldenModel golden = read_golden_model(file);
    if (golden.layer_output_last.empty()) continue;
    ModelRunner runner(golden.gguf, {.isa = Isa::reference});
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
  for (const auto& file : golden_model_files()) {
    const GoldenModel golden = read_golden_model(file);
    expect_near(golden, kernels::KvType::f16, {1e-2, 2e-3});
    bool whole_blocks = true;  // heads that q8_0 can hold
    for (const LayerHparams& layer : read_hparams(gguf::File(golden.gguf)).layers) {
      whole_blocks &= layer.head_dim_k % 32 == 0 && layer.head_dim_v % 32 == 0;
    }
    if (!whole_blocks) continue;
    expect_near(golden, kernels::KvType::q8_0, {0.4, 0.05});
  }
}

}  // namespace
}  // namespace wattle::test
