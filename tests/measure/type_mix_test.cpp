// SPDX-License-Identifier: Apache-2.0
#include "measure/type_mix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "measure/synth_file.h"
#include "wattle/error.h"

namespace wattle::measure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::map<std::string_view, size_t> n_of_types(const SynthPlan& plan) {
  std::map<std::string_view, size_t> n;
  for (const DType type : plan.types) ++n[dtype_info(type).name];
  return n;
}

SynthPlan plan(std::string_view preset, std::string_view mix,
               const std::vector<TypeOverride>& overrides = {}) {
  return plan_synth(find_synth_preset(preset), find_type_mix(mix), overrides);
}

// Counts and layers of a published Q4_K_M file of Gemma 4 26B-A4B (LM Studio's, 16.78e9 bytes).
TEST(TypeMix, Q4KMIsThatOfPublishedFiles) {
  const SynthPlan p = plan("26b-a4b", "Q4_K_M");
  EXPECT_THAT(n_of_types(p), ElementsAre(Pair("f32", 392), Pair("q4_k", 192), Pair("q5_0", 32),
                                         Pair("q6_k", 14), Pair("q8_0", 28)));
  std::vector<int> q8_0_layers;
  for (size_t i = 0; i < p.tensors.size(); ++i) {
    if (p.types[i] == DType::q8_0 && p.tensors[i].name.ends_with("ffn_down.weight")) {
      q8_0_layers.push_back(std::stoi(p.tensors[i].name.substr(4)));
    }
  }
  EXPECT_THAT(q8_0_layers, ElementsAre(0, 1, 2, 5, 8, 11, 14, 17, 20, 23, 26, 27, 28, 29));
  EXPECT_NEAR(static_cast<double>(p.weight_bytes()), 16.78e9, 0.05e9);
}

TEST(TypeMix, TheHeadOfUntiedModelsIsTheirOutput) {
  const SynthPlan p = plan("qwen3-30b-a3b", "q4_0");
  for (size_t i = 0; i < p.tensors.size(); ++i) {
    if (p.tensors[i].name == "output.weight") EXPECT_EQ(p.types[i], DType::q6_k);
    if (p.tensors[i].name == "token_embd.weight") EXPECT_EQ(p.types[i], DType::q4_0);
  }
}

TEST(TypeMix, TheLastOverrideThatFitsWins) {
  const SynthPlan p =
      plan("llama-1b", "q8_0", {{"attn", DType::q4_0}, parse_type_override("attn_v=Q5_1")});
  EXPECT_THAT(n_of_types(p),
              ElementsAre(Pair("f32", 34), Pair("q4_0", 48), Pair("q5_1", 16), Pair("q8_0", 49)));
}

TEST(TypeMix, WhatFitsNothingIsRefused) {
  EXPECT_THROW(plan("llama-1b", "q8_0", {{"exps", DType::q4_0}}), Error);
  for (const char* text : {"attn_v", "attn_v=q9", "=q4_0", "attn_v="}) {
    try {
      parse_type_override(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_THAT(error.what(), HasSubstr(text));
    }
  }
  try {
    find_type_mix("q4_k_xl");
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.hint(), HasSubstr("q4_k_m"));
  }
}

}  // namespace
}  // namespace wattle::measure
