// SPDX-License-Identifier: Apache-2.0
// The presets against counts of real files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "measure/synth_file.h"
#include "measure/synth_shape.h"
#include "wattle/error.h"

namespace wattle::measure {
namespace {

SynthPlan plan(std::string_view preset, std::string_view mix,
               const std::vector<TypeOverride>& overrides = {}) {
  return plan_synth(find_synth_preset(preset), find_type_mix(mix), overrides);
}

// Tensors and parameters as loaders of the published GGUF files report them.
TEST(SynthPresets, HaveTheTensorsOfTheRealFiles) {
  struct Case {
    const char* preset;
    size_t n_tensors;
    uint64_t n_params;
    uint64_t tolerance;  // where the source gives four digits
  };
  for (const auto& [preset, n_tensors, n_params, tolerance] :
       {Case{"gemma4-26b-a4b", 658, 25'233'142'046, 256},  // rope_freqs are no parameters
        {"gemma4-e2b", 541, 4'629'000'000, 1'000'000},
        {"gemma4-e4b", 666, 7'463'000'000, 1'000'000},
        {"gemma4-31b", 833, 30'697'000'000, 1'000'000},
        {"gemma3-1b", 340, 999'885'952, 0},
        {"qwen3-0.6b", 310, 596'049'920, 0},
        {"qwen3-30b-a3b", 579, 30'532'122'624, 0},
        {"llama-1b", 147, 1'235'814'432, 0}}) {
    const SynthPlan p = plan(preset, "f16");
    EXPECT_EQ(p.tensors.size(), n_tensors) << preset;
    EXPECT_NEAR(static_cast<double>(p.n_params()), static_cast<double>(n_params),
                static_cast<double>(tolerance))
        << preset;
  }
}

// Gemma 4 26B-A4B: the data of the published Q4_0 files, which are 14,439,361,440 and
// 14,249,047,104 bytes with their headers. A scale of 4 bytes in each layer takes 32 of the file.
TEST(SynthPresets, HaveTheSizeOfTheRealFiles) {
  constexpr uint64_t kPadding = 30 * 28;
  EXPECT_EQ(plan("gemma4-26b-a4b", "q4_0").weight_bytes(), 14'423'539'648 - kPadding);
  EXPECT_EQ(plan("gemma4-26b-a4b", "q4_0", {{"token_embd", DType::q4_0}}).weight_bytes(),
            14'233'223'104 - kPadding);
}

TEST(SynthPresets, AreFoundWithoutFamilyAndCase) {
  EXPECT_EQ(find_synth_preset("26B-A4B").name, "gemma4-26b-a4b");
  EXPECT_EQ(find_synth_preset("E2B").name, "gemma4-e2b");
  EXPECT_EQ(find_synth_preset("Qwen3-0.6B").name, "qwen3-0.6b");
  try {
    find_synth_preset("gemma5");
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_THAT(error.hint(), testing::HasSubstr("gemma4-31b"));
  }
}

TEST(SynthPresets, MayHaveFewerLayers) {
  const SynthShape& whole = find_synth_preset("gemma4-26b-a4b");
  const SynthShape one = with_layers(whole, 1);
  EXPECT_EQ(one.n_layer, 1U);
  EXPECT_EQ(one.n_expert, whole.n_expert);
  const auto layer_bytes = [](const SynthShape& shape) {
    return plan_synth(shape, find_type_mix("q4_0"), {}).weight_bytes();
  };
  EXPECT_LT(layer_bytes(one), layer_bytes(with_layers(whole, 2)));
  EXPECT_EQ(layer_bytes(with_layers(whole, 30)), layer_bytes(whole));
  for (const auto& [preset, n] : {std::pair("gemma4-26b-a4b", 0U), {"gemma4-26b-a4b", 31U}}) {
    try {
      with_layers(find_synth_preset(preset), n);
      ADD_FAILURE() << "no error was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
    }
  }
}

// Of E2B's 35 the last 20 read the cache of an earlier one; what is left is as it was.
TEST(SynthPresets, FewerLayersAreTheFirstOnes) {
  const SynthShape& whole = find_synth_preset("gemma4-e2b");
  for (uint32_t n = 1; n <= whole.n_layer; ++n) {
    const SynthShape cut = with_layers(whole, n);
    for (uint32_t il = 0; il < n; ++il) {
      EXPECT_EQ(cut.owns_kv(il), whole.owns_kv(il)) << il << " of " << n;
      EXPECT_EQ(cut.ff_width(il), whole.ff_width(il)) << il << " of " << n;
    }
  }
}

}  // namespace
}  // namespace wattle::measure
