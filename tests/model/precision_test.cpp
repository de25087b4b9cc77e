// SPDX-License-Identifier: Apache-2.0
// What is multiplied at which precision (docs/numerics.md), seen in how far logits are from exact.
#include <gtest/gtest.h>

#include <optional>

#include "model/registry.h"
#include "tests/support/golden_model.h"
#include "tests/support/tiny_model.h"

namespace wattle::test {
namespace {

double distance(const GoldenModel& golden, std::optional<Precision> precision) {
  ModelRunner runner(golden.gguf, {.isa = Isa::scalar, .precision = precision});
  return deviation_from_exact(golden, runner.feed(runner.new_sequence(), golden.fed(), 24)).rms;
}

bool is_quantised(const std::filesystem::path& gguf) {
  const gguf::File file(gguf);
  const auto tensor = file.find("blk.0.attn_output.weight");
  return tensor && dtype_info(tensor->dtype).block_elems > 1;
}

TEST(Precision, FineIsNearerThanWhatTheModelAsksFor) {
  WATTLE_NEEDS_GOLDEN("models");
  size_t n_mixtures = 0;
  size_t n_others = 0;
  for (const auto& path : golden_model_files()) {
    const GoldenModel golden = read_golden_model(path);
    if (!is_quantised(golden.gguf)) continue;
    const bool has_experts = read_hparams(gguf::File(golden.gguf)).n_expert != 0;
    const double of_model = distance(golden, {});
    const double normal = distance(golden, Precision::normal);
    const double fine = distance(golden, Precision::fine);
    SCOPED_TRACE(golden.name);
    EXPECT_LT(fine, of_model);
    if (has_experts) {
      EXPECT_LT(of_model, normal);
      ++n_mixtures;
    } else {
      EXPECT_EQ(of_model, normal);
      ++n_others;
    }
  }
  EXPECT_GT(n_mixtures, 0u);
  EXPECT_GT(n_others, 0u);
}

// What larger mixtures run at. The reference mixtures take two experts a token, so this is not what
// they ask for; the tolerance is a multiple of what llama.cpp is off by.
TEST(Precision, MixturesAtNormalPrecisionAreWithinTheToleranceOfTheReference) {
  WATTLE_NEEDS_GOLDEN("models");
  size_t n_mixtures = 0;
  for (const auto& path : golden_model_files()) {
    const GoldenModel golden = read_golden_model(path);
    if (!is_quantised(golden.gguf) || golden.min_router_gap == 0) continue;
    SCOPED_TRACE(golden.name);
    ModelRunner runner(golden.gguf, {.precision = Precision::normal});
    const Deviation d =
        deviation_from_exact(golden, runner.feed(runner.new_sequence(), golden.fed(), 24));
    EXPECT_LE(d.max_abs, golden.tolerance.max_abs);
    EXPECT_LE(d.rms, golden.tolerance.rms);
    ++n_mixtures;
  }
  EXPECT_GT(n_mixtures, 0u);
}

// One expert of many moves little when it is taken for another.
TEST(Precision, AMixtureOfManyExpertsATokenAsksForNormal) {
  const auto logits = [](uint32_t n_expert_used, std::optional<Precision> precision) {
    TinyModel model =
        make_tiny_model({.dtype = DType::q8_0, .n_expert = 5, .n_expert_used = n_expert_used});
    ModelRunner runner(model.file(), {.precision = precision});
    return runner.feed(runner.new_sequence(), to_tokens({1, 2, 3, 4, 5}), 5);
  };
  EXPECT_EQ(logits(4, {}), logits(4, Precision::normal));
  EXPECT_NE(logits(4, {}), logits(4, Precision::fine));
  EXPECT_NE(logits(3, {}), logits(3, Precision::normal));
}

}  // namespace
}  // namespace wattle::test
