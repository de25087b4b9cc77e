// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/placement/plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "backend/rknpu/placement/choose.h"
#include "backend/rknpu/weight_memory.h"

namespace wattle::rknpu {
namespace {

// The most exact first: it is taken where others gain no more.
std::vector<Arithmetic> allowed(const PlacementParams& params, const MatrixWays& ways) {
  std::vector<Arithmetic> wanted{Arithmetic::w16a16, Arithmetic::w4a8, Arithmetic::w8a8};
  if (params.arithmetic) wanted = {*params.arithmetic};
  std::erase_if(wanted, [&](Arithmetic a) {
    return !ways.is_possible({.arithmetic = a}) ||
           (!params.arithmetic && divergence_of(a, ways.precision()) > params.max_divergence);
  });
  return wanted;
}

struct Option {
  MatrixPlace place;
  uint64_t bytes = 0;
  double gain = 0;
};

// What gains something.
std::vector<Option> options_of(const PlacementParams& params, const MatrixWays& ways,
                               const Score& score) {
  std::vector<Option> options;
  for (const Arithmetic arithmetic : allowed(params, ways)) {
    for (const Holding holding : kHoldings) {
      const NpuWay way{arithmetic, holding};
      if (!ways.is_possible(way)) continue;
      Option option{.place = {.arithmetic = arithmetic, .rows = {}, .holding = holding},
                    .bytes = ways.bytes(way),
                    .gain = 0};
      if (params.min_rows) {
        const size_t begin = ways.is_bank() ? *params.min_rows / 4 : *params.min_rows;
        option.place.rows = {std::max<size_t>(1, begin), SIZE_MAX};
        option.gain = ways.cpu_ms_of(option.place.rows);
      } else {
        option.place.rows = ways.better_rows(way, score);
        option.gain = ways.gain(way, option.place.rows, score);
      }
      if (option.gain > 0) options.push_back(option);
    }
  }
  return options;
}

// Matrices alike share their costs.
void add_ways(PlacementPlan& plan, std::span<const MatrixUse> matrices) {
  using Kind = std::tuple<DType, std::array<uint64_t, 4>, Precision, size_t, bool>;
  std::map<Kind, size_t> known;
  for (const MatrixUse& use : matrices) {
    const Kind kind{use.w.dtype, use.w.shape, use.options.precision, use.options.max_slots,
                    use.options.outputs_only};
    const auto [at, is_new] = known.emplace(kind, plan.ways.size());
    if (is_new) plan.ways.emplace_back(use, plan.params.workload);
    plan.matrices.push_back({.use = use, .ways = at->second});
  }
}

HeldMatrix held(const MatrixUse& use, const MatrixPlace& place, size_t n_batch) {
  return {.place = place,
          .n_in = use.w.n_cols(),
          .max_rows = n_batch * std::max(use.options.max_rows, use.options.max_slots)};
}

void add_memory(PlacementPlan& plan) {
  std::vector<HeldMatrix> all;
  for (const PlacedMatrix& matrix : plan.matrices) {
    if (matrix.npu) all.push_back(held(matrix.use, *matrix.npu, plan.params.workload.n_batch));
  }
  plan.memory = working_memory(all, plan.n_bytes, planned_npu());
  plan.memory.file = plan.params.outside.file;
  plan.memory.cache = plan.params.outside.cache;
  plan.memory.activations = plan.params.outside.activations;
  const bool any_small = std::ranges::any_of(plan.matrices, [](const PlacedMatrix& matrix) {
    return matrix.bytes != 0 && matrix.bytes < kOwnWeightBytes;
  });
  plan.memory.weights = plan.n_bytes + (any_small ? kSharedWeightBytes : 0);
}

// Cuts max_bytes down to what all else leaves, wherever matrices are placed.
void bound_bytes(PlacementPlan& plan) {
  PlacementParams& params = plan.params;
  std::vector<HeldMatrix> all;
  for (const PlacedMatrix& matrix : plan.matrices) {
    const MatrixWays& ways = plan.ways[matrix.ways];
    for (const Arithmetic arithmetic : allowed(params, ways)) {
      for (const Holding holding : kHoldings) {
        if (!ways.is_possible({arithmetic, holding})) continue;
        const MatrixPlace place{
            .arithmetic = arithmetic, .rows = {1, SIZE_MAX}, .holding = holding};
        all.push_back(held(matrix.use, place, params.workload.n_batch));
      }
    }
  }
  const auto less = [](uint64_t bytes, uint64_t taken) { return bytes - std::min(bytes, taken); };
  const uint64_t left =
      std::min(less(params.memory_bytes, params.outside.total()), params.domain_bytes);
  const uint64_t n_buffer_bytes =
      working_memory(all, std::min(params.max_bytes, left), planned_npu()).total();
  // Of the last buffer that small matrices share they may leave most.
  params.max_bytes = std::min(params.max_bytes, less(left, n_buffer_bytes + kSharedWeightBytes));
}

// The plan with the best score, in place of what there was.
void place_all(PlacementPlan& plan, const Score& score) {
  std::vector<std::vector<Option>> of_kind;
  of_kind.reserve(plan.ways.size());
  for (const MatrixWays& ways : plan.ways) of_kind.push_back(options_of(plan.params, ways, score));
  std::vector<std::vector<MemoryOption>> lists;
  for (const PlacedMatrix& matrix : plan.matrices) {
    auto& list = lists.emplace_back();
    for (const Option& option : of_kind[matrix.ways]) list.push_back({option.bytes, option.gain});
  }
  const auto chosen = choose(lists, plan.params.max_bytes);

  const Workload& workload = plan.params.workload;
  plan.n_bytes = 0;
  plan.costs = {workload.rest_of_prompt, workload.rest_of_token, workload.rest_of_step};
  plan.cpu_costs = plan.costs;
  for (size_t i = 0; i < plan.matrices.size(); ++i) {
    PlacedMatrix& matrix = plan.matrices[i];
    const MatrixWays& ways = plan.ways[matrix.ways];
    matrix.npu.reset();
    matrix.bytes = 0;
    matrix.costs = ways.on_cpu();
    if (chosen[i]) {
      const Option& option = of_kind[matrix.ways][*chosen[i]];
      matrix.npu = option.place;
      matrix.bytes = option.bytes;
      const auto gains_more = [&](const Option& other) { return other.gain > option.gain; };
      matrix.reason = std::ranges::any_of(of_kind[matrix.ways], gains_more) ? PlaceReason::no_room
                                                                            : PlaceReason::gains;
      matrix.costs = ways.costs({option.place.arithmetic, option.place.holding}, option.place.rows);
    } else if (!of_kind[matrix.ways].empty()) {
      matrix.reason = PlaceReason::no_room;
    } else {
      matrix.reason =
          allowed(plan.params, ways).empty() ? PlaceReason::not_allowed : PlaceReason::no_gain;
    }
    plan.n_bytes += matrix.bytes;
    plan.costs += matrix.costs;
    plan.cpu_costs += ways.on_cpu();
  }
}

double largest_watts(const PlacementPlan& plan) {
  return std::max(plan.costs.prompt.watts(), plan.costs.token.watts());
}

// Scores from the objective alone to power alone, which is energy above what max_watts would take
// in the same time: the first plan that keeps to it, or else the one that comes nearest.
void place_within(PlacementPlan& plan, const Score& objective, double max_watts) {
  constexpr int kSteps = 16;
  std::pair<double, double> nearest{};  // watts, share
  const auto place = [&](double share) {
    place_all(plan, {.per_ms = (1 - share) * objective.per_ms * max_watts - share * max_watts,
                     .per_mj = (1 - share) * objective.per_mj + share});
    return largest_watts(plan);
  };
  for (int i = 0; i <= kSteps; ++i) {
    const double share = static_cast<double>(i) / kSteps;
    const double watts = place(share);
    if (watts <= max_watts) return;
    if (i == 0 || watts < nearest.first) nearest = {watts, share};
  }
  place(nearest.second);
  plan.keeps_watts = false;
}

}  // namespace

std::optional<MatrixPlace> PlacementPlan::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(
      matrices, name, [](const PlacedMatrix& matrix) { return matrix.use.w.name; });
  return found == matrices.end() ? std::nullopt : found->npu;
}

PlacementPlan plan_placement(std::span<const MatrixUse> matrices, const PlacementParams& params) {
  PlacementPlan plan{.params = params};
  add_ways(plan, matrices);
  bound_bytes(plan);
  const Score objective =
      params.objective == Objective::speed ? Score{.per_ms = 1} : Score{.per_ms = 0, .per_mj = 1};
  if (params.max_watts) {
    place_within(plan, objective, *params.max_watts);
  } else {
    place_all(plan, objective);
  }
  add_memory(plan);
  return plan;
}

}  // namespace wattle::rknpu
