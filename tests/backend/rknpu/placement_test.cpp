// SPDX-License-Identifier: Apache-2.0
// The plan of placement: small cases by hand, and what holds for all of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "backend/rknpu/placement/choose.h"
#include "backend/rknpu/placement/plan.h"

namespace wattle::rknpu {
namespace {

constexpr uint64_t kUnit = 64 * 1024;
constexpr uint64_t kMiB = uint64_t{1} << 20;

double gain_of(const std::vector<std::vector<MemoryOption>>& lists,
               const std::vector<std::optional<size_t>>& chosen, uint64_t max_bytes) {
  double gain = 0;
  uint64_t bytes = 0;
  for (size_t i = 0; i < lists.size(); ++i) {
    if (!chosen[i]) continue;
    gain += lists[i][*chosen[i]].gain;
    bytes += lists[i][*chosen[i]].bytes;
  }
  EXPECT_LE(bytes, max_bytes);
  return gain;
}

TEST(RknpuChoose, TakesWhatGainsMost) {
  // By gain for each byte the small one would come first, and the large one not fit.
  const std::vector<std::vector<MemoryOption>> lists{{{2 * kUnit, 5}}, {{3 * kUnit, 6}}};
  EXPECT_EQ(choose(lists, 5 * kUnit), (std::vector<std::optional<size_t>>{0, 0}));
  EXPECT_EQ(choose(lists, 4 * kUnit), (std::vector<std::optional<size_t>>{std::nullopt, 0}));
  EXPECT_EQ(choose(lists, 2 * kUnit), (std::vector<std::optional<size_t>>{0, std::nullopt}));
  EXPECT_EQ(choose(lists, 2 * kUnit - 1),
            (std::vector<std::optional<size_t>>{std::nullopt, std::nullopt}));
}

TEST(RknpuChoose, TakesTheEarlierOfOptionsThatGainAsMuch) {
  const std::vector<std::vector<MemoryOption>> lists{{{4 * kUnit, 1}, {kUnit, 1}}};
  EXPECT_EQ(choose(lists, 4 * kUnit)[0], 0U);
  EXPECT_EQ(choose(lists, 3 * kUnit)[0], 1U);
}

TEST(RknpuChoose, LeavesWhatGainsNothing) {
  const std::vector<std::vector<MemoryOption>> lists{{{kUnit, 0}, {kUnit, -1}}, {}};
  EXPECT_EQ(choose(lists, 100 * kUnit),
            (std::vector<std::optional<size_t>>{std::nullopt, std::nullopt}));
  EXPECT_TRUE(choose({}, 100 * kUnit).empty());
}

TEST(RknpuChoose, IsAsGoodAsTryingEverything) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<MemoryOption>> lists(1 + random() % 5);
    size_t n_choices = 1;
    for (auto& options : lists) {
      options.resize(random() % 4);
      for (MemoryOption& option : options)
        option = {(1 + random() % 9) * kUnit, static_cast<double>(random() % 100)};
      n_choices *= options.size() + 1;
    }
    const uint64_t max_bytes = random() % 30 * kUnit;
    double best = 0;
    for (size_t choice = 0; choice < n_choices; ++choice) {
      double gain = 0;
      uint64_t bytes = 0;
      size_t rest = choice;
      for (const auto& options : lists) {
        const size_t option = rest % (options.size() + 1);
        rest /= options.size() + 1;
        if (option == options.size()) continue;
        gain += options[option].gain;
        bytes += options[option].bytes;
      }
      if (bytes <= max_bytes) best = std::max(best, gain);
    }
    EXPECT_DOUBLE_EQ(gain_of(lists, choose(lists, max_bytes), max_bytes), best);
  }
}

MatrixUse matrix(std::string_view name, DType dtype, uint64_t n_out, uint64_t n_in,
                 Precision precision = Precision::normal) {
  return {.w = {.name = name, .dtype = dtype, .n_dims = 2, .shape = {n_out, n_in, 1, 1}},
          .options = {.max_rows = 1, .precision = precision}};
}

MatrixUse bank(std::string_view name, DType dtype, uint64_t n_expert, uint64_t n_out, uint64_t n_in,
               size_t n_used) {
  return {.w = {.name = name, .dtype = dtype, .n_dims = 3, .shape = {n_expert, n_out, n_in, 1}},
          .options = {.max_rows = 1, .max_slots = n_used}};
}

// A mixture of four layers, with a head, in miniature.
std::vector<MatrixUse> model() {
  std::vector<MatrixUse> matrices;
  for (int il = 0; il < 4; ++il) {
    matrices.push_back(matrix("q", DType::q4_0, 2048, 1024, Precision::fine));
    matrices.push_back(matrix("o", DType::q8_0, 1024, 2048, Precision::fine));
    matrices.push_back(bank("up", DType::q4_0, 16, 1024, 1024, 4));
    matrices.push_back(bank("down", DType::q4_0, 16, 1024, 512, 4));
  }
  matrices.push_back(matrix("head", DType::q6_k, 32000, 1024));
  matrices.back().options.outputs_only = true;
  return matrices;
}

double total(const PlacementPlan& plan, const Score& score) {
  return score.of(plan.costs.prompt) +
         static_cast<double>(plan.params.workload.n_answer) * score.of(plan.costs.token);
}

constexpr Score kMs{.per_ms = 1, .per_mj = 0};
constexpr Score kMj{.per_ms = 0, .per_mj = 1};

TEST(RknpuPlacement, OneMatrixByHand) {
  const std::vector<MatrixUse> one{matrix("w", DType::q8_0, 4096, 4096)};
  const auto plan = plan_placement(one, {.max_bytes = 64 * kMiB});
  ASSERT_TRUE(plan.find("w"));
  EXPECT_EQ(plan.find("w")->arithmetic, Arithmetic::w16a16);
  EXPECT_FALSE(plan.find("other"));
  const PlacedMatrix& w = plan.matrices[0];
  EXPECT_EQ(w.reason, PlaceReason::gains);
  EXPECT_EQ(w.bytes, 4096U * (3 * 1376 * 2 + 3 * 4))
      << "f16 in three tiles, and a scale of each output and tile";
  EXPECT_EQ(plan.n_bytes, w.bytes);
  const ProductShape shape{.n_out = 4096, .n_in = 4096, .dtype = DType::q8_0};
  EXPECT_DOUBLE_EQ(plan.costs.prompt.ms, npu_products(shape, {}, 512, 1).ms);
  EXPECT_DOUBLE_EQ(plan.costs.token.ms, cpu_product(shape, 1).ms) << "twice the bytes of q8_0";
  EXPECT_DOUBLE_EQ(plan.cpu_costs.prompt.ms, cpu_product(shape, 512).ms);
  EXPECT_GT(plan.find("w")->rows.begin, 1U);
  EXPECT_EQ(plan.find("w")->rows.end, SIZE_MAX);
  for (const size_t n_rows : {plan.find("w")->rows.begin, size_t{512}}) {
    EXPECT_LT(npu_products(shape, {}, n_rows, 1).ms, cpu_product(shape, n_rows).ms);
  }
}

TEST(RknpuPlacement, WithoutRoomWeightsAreStreamed) {
  const std::vector<MatrixUse> one{matrix("w", DType::q8_0, 4096, 4096)};
  const auto plan = plan_placement(one, {.max_bytes = 4096 * 4096 * 2 - 1});
  ASSERT_TRUE(plan.find("w"));
  EXPECT_EQ(plan.find("w")->holding, Holding::streamed);
  EXPECT_EQ(plan.matrices[0].reason, PlaceReason::no_room) << "to stay";
  EXPECT_EQ(plan.n_bytes, 0U);
  const ProductShape shape{.n_out = 4096, .n_in = 4096, .dtype = DType::q8_0};
  EXPECT_DOUBLE_EQ(plan.costs.prompt.ms,
                   npu_products(shape, {.holding = Holding::streamed}, 512, 1).ms);
  EXPECT_DOUBLE_EQ(plan.costs.token.ms, cpu_product(shape, 1).ms);
  const auto room = plan_placement(one, {.max_bytes = 64 * kMiB});
  EXPECT_EQ(room.find("w")->holding, Holding::resident);
  EXPECT_LT(room.find("w")->rows.begin, plan.find("w")->rows.begin)
      << "packing wants more rows to pay";
}

TEST(RknpuPlacement, WhatCannotBeStreamedAndHasNoRoomIsTheProcessors) {
  const std::vector<MatrixUse> one{matrix("w", DType::q8_0, 4096, 4096)};
  const auto plan = plan_placement(
      one, {.max_bytes = 4096 * 4096 - 1, .max_divergence = 4, .arithmetic = Arithmetic::w8a8});
  EXPECT_FALSE(plan.find("w"));
  EXPECT_EQ(plan.matrices[0].reason, PlaceReason::no_room);
  EXPECT_EQ(plan.costs.prompt.ms, plan.cpu_costs.prompt.ms);
}

TEST(RknpuPlacement, WhatIsTooSmallForASubmitStaysOnTheProcessor) {
  const std::vector<MatrixUse> one{matrix("w", DType::q8_0, 64, 64)};
  const auto plan = plan_placement(one, {.max_bytes = 64 * kMiB});
  EXPECT_FALSE(plan.find("w"));
  EXPECT_EQ(plan.matrices[0].reason, PlaceReason::no_gain);
}

TEST(RknpuPlacement, AHeadSeesOneRowOfAPrompt) {
  std::vector<MatrixUse> one{matrix("w", DType::q8_0, 4096, 4096)};
  one[0].options.outputs_only = true;
  const auto plan = plan_placement(one, {.max_bytes = 64 * kMiB});
  EXPECT_FALSE(plan.find("w"));
  EXPECT_EQ(plan.costs.prompt.ms, plan.costs.token.ms);
}

TEST(RknpuPlacement, RowsChooseExpertsEvenly) {
  const std::vector<MatrixUse> one{bank("w", DType::q4_0, 128, 1408, 2816, 8)};
  const ProductShape expert{.n_out = 1408, .n_in = 2816, .dtype = DType::q4_0};
  const auto plan = plan_placement(one, {.max_bytes = 0});
  EXPECT_DOUBLE_EQ(plan.cpu_costs.prompt.ms, 128 * cpu_product(expert, 512 * 8 / 128).ms);
  EXPECT_DOUBLE_EQ(plan.costs.token.ms, 8 * cpu_product(expert, 1).ms);
  const auto all = plan_placement(one, {.max_bytes = 2048 * kMiB});
  ASSERT_TRUE(all.find("w"));
  EXPECT_DOUBLE_EQ(all.costs.prompt.ms, npu_products(expert, {}, 32, 128).ms);
  EXPECT_EQ(all.n_bytes, 128U * 1408 * (2816 * 2 + 2 * 4));
}

TEST(RknpuPlacement, APromptLongerThanABatchTakesSeveral) {
  const std::vector<MatrixUse> one{matrix("w", DType::q8_0, 4096, 4096)};
  const ProductShape shape{.n_out = 4096, .n_in = 4096, .dtype = DType::q8_0};
  const auto plan =
      plan_placement(one, {.max_bytes = 0, .workload = {.n_prompt = 500, .n_batch = 200}});
  EXPECT_DOUBLE_EQ(plan.cpu_costs.prompt.ms,
                   2 * cpu_product(shape, 200).ms + cpu_product(shape, 100).ms);
  const NpuWay streamed{.holding = Holding::streamed};
  EXPECT_DOUBLE_EQ(plan.costs.prompt.ms, 2 * npu_products(shape, streamed, 200, 1).ms +
                                             npu_products(shape, streamed, 100, 1).ms);
}

TEST(RknpuPlacement, TheRestIsPartOfTheWhole) {
  const std::vector<MatrixUse> one{matrix("w", DType::q8_0, 64, 64)};
  const Cost rest{.ms = 100, .mj = 300};
  const auto plan = plan_placement(
      one, {.max_bytes = 0, .workload = {.rest_of_prompt = rest, .rest_of_token = 0.01 * rest}});
  EXPECT_DOUBLE_EQ(plan.costs.prompt.ms, 100 + plan.matrices[0].costs.prompt.ms);
  EXPECT_DOUBLE_EQ(plan.cpu_costs.token.mj, 3 + plan.matrices[0].costs.token.mj);
}

TEST(RknpuPlacement, MoreMemoryIsNeverWorse) {
  for (const auto& [objective, score] :
       {std::pair{Objective::speed, kMs}, std::pair{Objective::energy, kMj}}) {
    double last = INFINITY;
    for (uint64_t mib = 0; mib <= 320; mib += 8) {
      const auto plan = plan_placement(
          model(), {.max_bytes = mib * kMiB, .objective = objective, .max_divergence = 4});
      EXPECT_LE(plan.n_bytes, mib * kMiB);
      const double now = total(plan, score);
      EXPECT_LE(now, last * (1 + 1e-9)) << mib;
      last = now;
    }
    EXPECT_LT(last, total(plan_placement(model(), {.max_bytes = 0}), score));
  }
}

TEST(RknpuPlacement, EnergyTakesNoMoreOfItThanSpeedAndSpeedNoMoreTimeThanEnergy) {
  for (const uint64_t mib : {0, 20, 50, 100, 400}) {
    for (const double divergence : {1.1, 4.0}) {
      const auto plan = [&](Objective objective) {
        return plan_placement(
            model(),
            {.max_bytes = mib * kMiB, .objective = objective, .max_divergence = divergence});
      };
      const auto fast = plan(Objective::speed);
      const auto frugal = plan(Objective::energy);
      EXPECT_LE(total(frugal, kMj), total(fast, kMj) * (1 + 1e-9));
      EXPECT_LE(total(fast, kMs), total(frugal, kMs) * (1 + 1e-9));
    }
  }
}

TEST(RknpuPlacement, DivergenceBoundsTheArithmetic) {
  const auto used = [](double max_divergence) {
    std::vector<std::pair<Arithmetic, Precision>> all;
    for (uint64_t mib = 8; mib <= 320; mib += 8) {
      for (const Objective objective : {Objective::speed, Objective::energy}) {
        const auto plan = plan_placement(
            model(),
            {.max_bytes = mib * kMiB, .objective = objective, .max_divergence = max_divergence});
        for (const PlacedMatrix& m : plan.matrices)
          if (m.npu) all.emplace_back(m.npu->arithmetic, m.use.options.precision);
      }
    }
    return all;
  };
  EXPECT_TRUE(used(0.05).empty());
  for (const auto& [arithmetic, precision] : used(0.2)) EXPECT_EQ(arithmetic, Arithmetic::w16a16);
  for (const auto& [arithmetic, precision] : used(1.1)) {
    EXPECT_NE(arithmetic, Arithmetic::w8a8);
    EXPECT_TRUE(precision == Precision::normal || arithmetic == Arithmetic::w16a16);
  }
  const auto coarse = used(4);
  EXPECT_TRUE(std::ranges::any_of(
      coarse, [](const auto& place) { return place.first == Arithmetic::w8a8; }));
  const auto plan = plan_placement(model(), {.max_bytes = 400 * kMiB, .max_divergence = 0.05});
  for (const PlacedMatrix& m : plan.matrices) EXPECT_EQ(m.reason, PlaceReason::not_allowed);
}

TEST(RknpuPlacement, WattsAreKeptOrItSaysThatTheyAreNot) {
  const auto free = plan_placement(model(), {.max_bytes = 400 * kMiB, .max_divergence = 4});
  EXPECT_TRUE(free.keeps_watts);
  EXPECT_NEAR(free.cpu_costs.token.watts(), kBoard.cpu_watts, 1e-9);
  for (const double watts : {3.0, 3.5, 4.0, 5.0, 7.1}) {
    const auto plan =
        plan_placement(model(), {.max_bytes = 400 * kMiB, .max_watts = watts, .max_divergence = 4});
    const double largest = std::max(plan.costs.prompt.watts(), plan.costs.token.watts());
    EXPECT_EQ(plan.keeps_watts, largest <= watts) << watts;
    EXPECT_GE(total(plan, kMs), total(free, kMs) * (1 - 1e-9));
  }
  EXPECT_FALSE(plan_placement(model(), {.max_bytes = 400 * kMiB, .max_watts = 3.0}).keeps_watts)
      << "the NPU takes more";
  const auto kept =
      plan_placement(model(), {.max_bytes = 400 * kMiB, .max_watts = 5.0, .max_divergence = 4});
  EXPECT_TRUE(kept.keeps_watts);
  EXPECT_GT(std::max(free.costs.prompt.watts(), free.costs.token.watts()), 5.0);
}

TEST(RknpuPlacement, ForcedRowsTakeAllThatThereIsRoomFor) {
  const auto plan = plan_placement(model(), {.max_bytes = 2048 * kMiB, .min_rows = 32});
  for (const PlacedMatrix& m : plan.matrices) {
    ASSERT_TRUE(m.npu) << m.use.w.name;
    EXPECT_EQ(m.npu->holding, Holding::resident);
    EXPECT_EQ(m.npu->rows.begin, m.use.w.n_dims == 3 ? 8U : 32U);
    EXPECT_EQ(m.npu->arithmetic, Arithmetic::w16a16) << "what is most exact, where all gain alike";
  }
  const auto none = plan_placement(model(), {.max_bytes = 2048 * kMiB, .min_rows = 4096});
  EXPECT_EQ(none.n_bytes, 0U) << "no step has as many";
  const auto little = plan_placement(model(), {.max_bytes = 64 * kMiB, .min_rows = 32});
  EXPECT_LE(little.n_bytes, 64 * kMiB);
  EXPECT_GT(little.n_bytes, 32 * kMiB);
  for (const PlacedMatrix& m : little.matrices) EXPECT_TRUE(m.npu) << "the others are streamed";
}

TEST(RknpuPlacement, ForcedArithmeticIsTheOnlyOne) {
  const auto plan = plan_placement(
      model(), {.max_bytes = 2048 * kMiB, .arithmetic = Arithmetic::w4a8, .min_rows = 1});
  for (const PlacedMatrix& m : plan.matrices) {
    ASSERT_EQ(m.npu.has_value(), m.use.w.dtype == DType::q4_0);
    EXPECT_TRUE(!m.npu || m.npu->arithmetic == Arithmetic::w4a8);
  }
}

}  // namespace
}  // namespace wattle::rknpu
