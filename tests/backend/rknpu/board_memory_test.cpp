// SPDX-License-Identifier: Apache-2.0
// The account of memory: what a plan says is what the simulator sees.
#include "backend/rknpu/placement/board_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/cpu/cpu_device.h"
#include "backend/rknpu/placement/plan.h"
#include "backend/rknpu/rknpu_device.h"
#include "backend/rknpu/simulator/simulated_npu.h"
#include "backend/rknpu/weight_memory.h"
#include "tests/support/random_matrix.h"

namespace wattle::rknpu {
namespace {

constexpr size_t kBatch = 40;
constexpr size_t kUsed = 2;  // experts of a row

// Of a model in miniature: matrices that have a buffer of their own, some that share one, a bank.
struct Model {
  Model() {
    for (const auto& [n_out, n_in] :
         {std::pair<size_t, size_t>{2048, 1056}, {300, 2048}, {200, 288}, {3000, 1024}}) {
      names.push_back("w" + std::to_string(names.size()));
      weights.emplace_back(random, DType::q8_0, n_out, n_in);
    }
    names.emplace_back("bank");
    weights.emplace_back(random, DType::q4_0, 6 * 500, 512);
    TensorView& bank = weights.back().view;
    bank.n_dims = 3;
    bank.shape = {6, 500, 512, 1};
    for (size_t i = 0; i < names.size(); ++i) weights[i].view.name = names[i];
  }
  // As a survey of the model notes them: for steps of one row.
  std::vector<MatrixUse> uses() const {
    std::vector<MatrixUse> all;
    all.reserve(weights.size());
    for (const test::Matrix& w : weights)
      all.push_back({w.view, {.max_rows = 1, .max_slots = w.view.n_dims == 3 ? kUsed : 0}});
    return all;
  }

  test::RandomBlocks random{1};
  std::vector<std::string> names;
  std::vector<test::Matrix> weights;
};

PlacementPlan plan_for(const Model& model, uint64_t max_bytes,
                       std::optional<Arithmetic> arithmetic) {
  return plan_placement(model.uses(), {.max_bytes = max_bytes,
                                       .arithmetic = arithmetic,
                                       .min_rows = 4,
                                       .workload = {.n_prompt = kBatch, .n_batch = kBatch}});
}

// A device with all matrices of a model prepared as a plan has it.
class Loaded {
 public:
  Loaded(std::span<const MatrixUse> uses, const PlacementPlan& plan, NpuDevice& npu)
      : rknpu_(context_, cpu_, npu,
               {.place = [&](const TensorView& w) { return plan.find(w.name); }}) {
    for (const MatrixUse& use : uses) {
      const PrepareOptions options{.max_rows = kBatch, .max_slots = use.options.max_slots * kBatch};
      if (use.w.n_dims == 3) {
        bank_ = rknpu_.prepare_experts(use.w, options);
      } else {
        linears_.push_back(rknpu_.prepare(use.w, options));
      }
    }
  }
  const RknpuStatus& status() const { return rknpu_.status(); }

 private:
  EngineContext context_{{.n_threads = 2, .isa = Isa::scalar}};
  CpuDevice cpu_{context_};
  RknpuDevice rknpu_;
  std::vector<std::unique_ptr<Linear>> linears_;
  std::unique_ptr<ExpertBank> bank_;
};

TEST(RknpuBoardMemory, APlanTakesWhatItsAccountSays) {
  const Model model;
  for (const auto& [max_bytes, arithmetic] :
       {std::pair<uint64_t, std::optional<Arithmetic>>{uint64_t{1} << 30, std::nullopt},
        {uint64_t{1} << 30, Arithmetic::w8a8},
        {uint64_t{6} << 20, std::nullopt},
        {0, std::nullopt}}) {
    const PlacementPlan plan = plan_for(model, max_bytes, arithmetic);
    const auto npu = open_simulated_npu();
    const size_t all = npu->free_bytes(0);
    const Loaded loaded(model.uses(), plan, *npu);
    const RknpuStatus& status = loaded.status();
    EXPECT_EQ(status.n_on_npu, model.weights.size());
    EXPECT_EQ(status.n_streamed != 0, max_bytes < plan_for(model, UINT64_MAX, arithmetic).n_bytes);
    const size_t taken = all - npu->free_bytes(0);
    const BoardMemory& memory = plan.memory;
    const uint64_t working = memory.ring + memory.inputs + memory.results + memory.commands;
    // Weights: those of the NPU, and of the last shared buffer what is not used.
    EXPECT_GE(taken, working + status.n_bytes);
    EXPECT_LE(taken, working + memory.weights);
    EXPECT_TRUE(status.n_bytes != 0 || taken == working);
  }
}

TEST(RknpuBoardMemory, APlanLeavesRoomForAllElse) {
  const Model model;
  const BoardMemory outside{.file = 1000 << 20, .cache = 10 << 20, .activations = 5 << 20};
  EXPECT_EQ(outside.total(), 1015U << 20);
  for (uint64_t mib = 1000; mib < 1400; mib += 20) {
    const uint64_t memory_bytes = mib << 20;
    const auto plan = plan_placement(model.uses(), {.max_bytes = UINT64_MAX,
                                                    .memory_bytes = memory_bytes,
                                                    .outside = outside,
                                                    .min_rows = 4,
                                                    .workload = {.n_prompt = kBatch}});
    EXPECT_EQ(plan.memory.file, outside.file);
    EXPECT_LE(plan.n_bytes, plan.params.max_bytes);
    const uint64_t least = 1015 + 64 + 70;  // and what the NPU works with
    EXPECT_TRUE(mib < least || plan.memory.total() <= memory_bytes) << mib;
    EXPECT_TRUE(mib < 1380 || plan.n_bytes > 0) << mib;
  }
}

// The vendor's driver has a single domain before 0.9.8: what has no room to stay there is streamed,
// not left to the processor.
TEST(RknpuBoardMemory, APlanHoldsNoMoreThanTheDomainsOfTheNpu) {
  test::RandomBlocks random(2);
  const test::Matrix w(random, DType::q4_0, 2048, 2048);  // 8 MiB in f16
  std::vector<MatrixUse> uses(12, {w.view, {.max_rows = 1}});
  const std::string names = "abcdefghijkl";
  for (size_t i = 0; i < uses.size(); ++i) uses[i].w.name = std::string_view(names).substr(i, 1);
  const uint64_t domain_bytes = uint64_t{112} << 20;
  const auto plan = plan_placement(uses, {.max_bytes = UINT64_MAX,
                                          .domain_bytes = domain_bytes,
                                          .min_rows = 4,
                                          .workload = {.n_prompt = kBatch, .n_batch = kBatch}});
  EXPECT_LE(plan.memory.total(), domain_bytes);
  const auto npu = open_simulated_npu({.memory_bytes = domain_bytes});
  const Loaded loaded(uses, plan, *npu);
  EXPECT_EQ(loaded.status().n_on_npu, uses.size());
  EXPECT_GT(loaded.status().n_streamed, 0U);
  EXPECT_LT(loaded.status().n_streamed, uses.size());
}

TEST(RknpuBoardMemory, ThereIsARingOnlyWhereSomethingMayBeStreamed) {
  const Model model;
  const uint64_t memory_bytes = uint64_t{200} << 20;
  const auto left = [&](Arithmetic arithmetic) {
    return plan_placement(model.uses(), {.max_bytes = UINT64_MAX,
                                         .memory_bytes = memory_bytes,
                                         .arithmetic = arithmetic,
                                         .min_rows = 4,
                                         .workload = {.n_prompt = kBatch, .n_batch = kBatch}})
        .params.max_bytes;
  };
  // 36 MiB for results and commands, 32 that small matrices may leave; rows are little beside.
  EXPECT_LE(left(Arithmetic::w8a8), memory_bytes - (uint64_t{68} << 20));
  EXPECT_GE(left(Arithmetic::w8a8), memory_bytes - (uint64_t{69} << 20));
  EXPECT_LE(left(Arithmetic::w16a16), memory_bytes - (uint64_t{84} << 20)) << "16 MiB more";
}

TEST(RknpuBoardMemory, MoreDomainsHaveBuffersOfTheirOwn) {
  const NpuInfo npu = planned_npu();
  const std::vector<HeldMatrix> one{
      {.place = {.rows = {1, SIZE_MAX}}, .n_in = 512, .max_rows = 512}};
  const BoardMemory small = working_memory(one, 1 << 20, npu);
  EXPECT_EQ(small.results, 2 * 3 * (uint64_t{4} << 20));
  EXPECT_EQ(small.ring, 0U);
  const BoardMemory large = working_memory(one, npu.domain_bytes + 1, npu);
  EXPECT_EQ(large.results, 2 * small.results);
  EXPECT_EQ(large.inputs, 2 * small.inputs);
  EXPECT_EQ(working_memory({}, 0, npu).total(), 0U);
  EXPECT_EQ((BoardMemory{.file = UINT64_MAX, .cache = 1}).total(), UINT64_MAX);
}

}  // namespace
}  // namespace wattle::rknpu
