// SPDX-License-Identifier: Apache-2.0
// Which experts a row gets and with what weights, from the logits of its router.
#include "model/blocks/moe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/engine_context.h"

namespace wattle {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr uint32_t kEmbd = 16;
constexpr uint32_t kUsed = 2;

// Its router gives the logits it is told, whatever the input, and expert e gives e + 1 everywhere.
class ScriptedDevice final : public Device {
 public:
  explicit ScriptedDevice(std::vector<std::vector<float>> logits) : logits_(std::move(logits)) {}

  std::string_view name() const noexcept override { return "scripted"; }
  std::unique_ptr<Linear> prepare(const TensorView&, const PrepareOptions&) override {
    return std::make_unique<Linear>(*this, logits_[0].size(), kEmbd, false);
  }
  std::unique_ptr<ExpertBank> prepare_experts(const TensorView&, const PrepareOptions&) override {
    return std::make_unique<ExpertBank>(*this, logits_[0].size(), kEmbd, kEmbd);
  }
  void linear(MatView<const float> x, std::span<const LinearCall> calls) noexcept override {
    for (size_t r = 0; r < x.n_rows; ++r) std::ranges::copy(logits_[r], calls[0].y.row(r));
  }
  void experts(MatView<const float>, const ExpertSlots& slots,
               std::span<const ExpertCall> calls) noexcept override {
    for (const ExpertCall& call : calls) {
      for (size_t s = 0; s < slots.expert.size(); ++s) {
        std::ranges::fill(call.y.row_span(s), static_cast<float>(slots.expert[s] + 1));
      }
    }
  }

 private:
  std::vector<std::vector<float>> logits_;  // [rows][experts]
};

// What each of the rows with those logits gets.
std::vector<std::vector<float>> outputs_of(const std::vector<std::vector<float>>& logits) {
  const size_t n_rows = logits.size();
  EngineContext context({.n_threads = 1, .log = {}});
  ScriptedDevice device(logits);
  KvCache cache({}, {.n_ctx = 64, .n_batch = 64});
  const std::vector<SeqId> seq(n_rows);
  const std::vector<Pos> pos(n_rows);
  const Step step{context, device, cache, seq, pos};
  const MoeWeights w{.router = {device.prepare({}, {}), {}},
                     .gate_up = nullptr,
                     .gate = device.prepare_experts({}, {}),
                     .up = device.prepare_experts({}, {}),
                     .down = device.prepare_experts({}, {}),
                     .down_scale = {},
                     .n_used = kUsed};
  MoeBuffers buffers(n_rows, logits[0].size(), kUsed, kEmbd, kEmbd);
  MatBuffer x(n_rows, kEmbd);
  MatBuffer out(n_rows, kEmbd);
  mixture_of_experts(step, x.rows(n_rows), x.rows(n_rows), w, Activation::silu, buffers,
                     out.rows(n_rows));
  std::vector<std::vector<float>> rows;
  for (size_t r = 0; r < n_rows; ++r) {
    const auto row = out.rows(n_rows).row_span(r);
    rows.emplace_back(row.begin(), row.end());
  }
  return rows;
}

TEST(MixtureOfExperts, TheLargestLogitsPickAndTheirSoftmaxWeighs) {
  const auto rows = outputs_of({{1, 3, -2, 2}, {-1, -5, -5, -9}});
  const float best = 1 / (1 + std::exp(-1.0f));  // 3 before 2
  for (const float v : rows[0]) EXPECT_NEAR(v, best * 2 + (1 - best) * 4, 1e-5);
  const float first = 1 / (1 + std::exp(-4.0f));  // -1 before -5, of two the one with less index
  for (const float v : rows[1]) EXPECT_NEAR(v, first * 1 + (1 - first) * 2, 1e-5);
}

TEST(MixtureOfExperts, ANanAmongTheLogitsOfARowIsSeen) {
  const std::vector<std::vector<float>> spoilt{
      {5, 3, kNan, 1}, {1, kNan, 5, 4}, {kNan, 5, 4, 1}, {5, 4, 3, -kNan}};
  for (const std::vector<float>& logits : spoilt) {
    const auto rows = outputs_of({logits, {5, 3, 2, 1}});
    for (const float v : rows[0]) {
      EXPECT_TRUE(std::isnan(v)) << testing::PrintToString(logits) << " gives " << v;
    }
    for (const float v : rows[1]) EXPECT_TRUE(std::isfinite(v)) << "of the row beside it";
  }
}

}  // namespace
}  // namespace wattle
