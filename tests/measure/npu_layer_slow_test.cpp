// SPDX-License-Identifier: Apache-2.0
// A layer of Gemma 4 26B-A4B in full shape on the simulated NPU: every matrix of it streamed.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "measure/synth_file.h"
#include "tests/support/temp_dir.h"
#include "wattle/engine.h"

namespace wattle::measure {
namespace {

constexpr size_t kTokens = 40;
constexpr uint64_t kMiB = uint64_t{1} << 20;

struct Answer {
  std::vector<float> logits;  // of the last token
  std::optional<NpuReport> report;
};

Answer answer(const std::filesystem::path& file, const NpuParams& npu, const char* isa = nullptr) {
  if (isa != nullptr) ::setenv("WATTLE_ISA", isa, 1);
  Engine engine({.model = file,
                 .n_ctx = 64,
                 .n_threads = 2,
                 .kv_k = KvCacheType::f32,
                 .kv_v = KvCacheType::f32,
                 .npu = npu});
  if (isa != nullptr) ::unsetenv("WATTLE_ISA");
  std::vector<TokenId> tokens;
  tokens.reserve(kTokens);
  for (size_t i = 0; i < kTokens; ++i) tokens.push_back(static_cast<TokenId>(100 + 37 * i));
  Answer found;
  engine.logits(tokens, /*all=*/false, [&](std::span<const float> logits) {
    found.logits.assign(logits.begin(), logits.end());
  });
  found.report = engine.npu();
  return found;
}

double relative_error(const std::vector<float>& exact, const std::vector<float>& found) {
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    error += std::pow(double{found[i]} - double{exact[i]}, 2);
    size += double{exact[i]} * double{exact[i]};
  }
  return std::sqrt(error / size);
}

// The reference kernels compute in floats with the very weights of the file. In f16 both operands
// have 11 bits; the CPU rounds activations to 8. What comes out of a layer of random weights is no
// finer than what went in: a few times 2^-11 at most.
TEST(NpuFullLayer, StreamedWeightsGiveTheBitsOfResidentOnesAndAreNearerThanTheProcessor) {
  const test::TempDir dir;
  const auto file = dir.path() / "layer.gguf";
  write_synth(
      plan_synth(with_layers(find_synth_preset("gemma4-26b-a4b"), 1), find_type_mix("q4_0"), {}),
      file, {});
  const Answer exact = answer(file, {}, "reference");
  const Answer cpu = answer(file, {});
  const Answer streamed =
      answer(file, {.driver = NpuDriver::simulator, .max_bytes = kMiB, .min_rows = 1});
  const Answer resident =
      answer(file, {.driver = NpuDriver::simulator, .max_bytes = 4096 * kMiB, .min_rows = 1});

  for (const Answer* on_npu : {&streamed, &resident}) {
    ASSERT_TRUE(on_npu->report);
    EXPECT_EQ(on_npu->report->n_missed, 0U);
    EXPECT_EQ(on_npu->report->n_faults, 0U);
    EXPECT_GE(on_npu->report->n_on_npu, 10U) << "the head too";
  }
  EXPECT_LE(streamed.report->n_bytes, kMiB);
  EXPECT_GT(resident.report->n_bytes, 2900 * kMiB);
  EXPECT_GE(streamed.report->n_submits, 100U) << "of 128 experts; a slot holds gate and up of one";
  EXPECT_EQ(streamed.logits, resident.logits);
  const double of_npu = relative_error(exact.logits, streamed.logits);
  const double of_cpu = relative_error(exact.logits, cpu.logits);
  EXPECT_LE(of_npu, 2e-3);
  EXPECT_LT(of_npu, of_cpu);
}

}  // namespace
}  // namespace wattle::measure
