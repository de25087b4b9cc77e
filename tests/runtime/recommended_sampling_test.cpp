// SPDX-License-Identifier: Apache-2.0
#include "runtime/recommended_sampling.h"

#include <gtest/gtest.h>

#include "gguf/writer.h"
#include "tests/gguf/expect_error.h"

namespace wattle::runtime {
namespace {

SamplingParams recommended(const gguf::Writer& keys) {
  const std::vector<std::byte> bytes = keys.to_bytes();
  return recommended_sampling(gguf::File(bytes, "tiny.gguf"));
}

TEST(RecommendedSampling, TakesWhatTheFileSaysAndTheDefaultsElsewhere) {
  gguf::Writer keys;
  keys.set<float>("general.sampling.temp", 1.0f);
  keys.set<int32_t>("general.sampling.top_k", 64);
  const SamplingParams params = recommended(keys);
  EXPECT_EQ(params.temperature, 1.0f);
  EXPECT_EQ(params.top_k, 64);
  EXPECT_EQ(params.top_p, SamplingParams{}.top_p);
  EXPECT_EQ(params.min_p, SamplingParams{}.min_p);
  EXPECT_EQ(params.seed, std::nullopt);
}

TEST(RecommendedSampling, RefusesWhatNoSamplerCouldUse) {
  gguf::Writer keys;
  keys.set<float>("general.sampling.top_p", 95.0f);
  test::expect_error(ErrorCode::bad_input, {"tiny.gguf", "general.sampling", "95"},
                     [&] { recommended(keys); });
}

}  // namespace
}  // namespace wattle::runtime
