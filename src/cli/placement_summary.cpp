// SPDX-License-Identifier: Apache-2.0
#include "cli/placement_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <map>
#include <tuple>
#include <vector>

#include "cli/amounts.h"
#include "cli/matrix_places.h"
#include "cli/output.h"
#include "kernels/engine_context.h"
#include "runtime/npu_placement.h"

namespace wattle::cli {
namespace {

using Json = nlohmann::ordered_json;
using rknpu::Cost;
using rknpu::PhaseCosts;
using rknpu::PlacedMatrix;
using rknpu::PlaceReason;

constexpr uint32_t kContext = 4096;
constexpr uint32_t kBatch = 512;

const char* text_of(PlaceReason reason) {
  switch (reason) {
    case PlaceReason::gains: return "gains";
    case PlaceReason::no_gain: return "the CPU does as well";
    case PlaceReason::no_room: return "no room: others gain more";
    case PlaceReason::not_allowed: return "no arithmetic is allowed";
  }
  return "";
}

const char* text_of(rknpu::Holding holding) {
  return holding == rknpu::Holding::streamed ? "streamed" : "resident";
}

// "blk.7.attn_q.weight" is "blk.*.attn_q.weight".
std::string without_number(std::string_view name) {
  std::string out;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    const bool is_number = !part.empty() && std::ranges::all_of(part, [](unsigned char c) {
      return std::isdigit(c) != 0;
    });
    out += is_number ? "*" : part;
    if (end < name.size()) out += '.';
    begin = end + 1;
  }
  return out;
}

Json cost_json(const Cost& cost) { return {{"ms", cost.ms}, {"mj", cost.mj}}; }

Json phases_json(const PhaseCosts& costs) {
  return {{"prompt", cost_json(costs.prompt)},
          {"token", cost_json(costs.token)},
          {"tokens_together", cost_json(costs.step)}};
}

Json memory_json(const rknpu::BoardMemory& memory) {
  return {{"file", memory.file},
          {"cache", memory.cache},
          {"activations", memory.activations},
          {"weights", memory.weights},
          {"ring", memory.ring},
          {"inputs", memory.inputs},
          {"results", memory.results},
          {"commands", memory.commands},
          {"total", memory.total()},
          {"board", rknpu::kBoardBytes}};
}

// Of a phase whose cost is that of one place or of both.
const char* place_of(const Cost& placed, const Cost& cpu, const Cost& npu) {
  if (placed.ms == npu.ms) return "npu";
  return placed.ms == cpu.ms ? "cpu" : "both";
}

// Matrices that differ in their layer alone; those of one name follow each other.
struct Group {
  const PlacedMatrix* first = nullptr;
  uint64_t count = 0;
};

std::vector<Group> groups_of(const rknpu::PlacementPlan& plan) {
  using Kind = std::tuple<std::string, size_t, bool, size_t, rknpu::Holding, size_t, PlaceReason>;
  std::map<Kind, size_t> known;
  std::vector<Group> groups;
  for (const PlacedMatrix& matrix : plan.matrices) {
    const auto place = matrix.npu.value_or(rknpu::MatrixPlace{});
    const Kind kind{without_number(matrix.use.w.name),
                    matrix.ways,
                    matrix.npu.has_value(),
                    static_cast<size_t>(place.arithmetic),
                    place.holding,
                    place.rows.begin,
                    matrix.reason};
    const auto [at, is_new] = known.emplace(kind, groups.size());
    if (is_new) groups.push_back({.first = &matrix});
    ++groups[at->second].count;
  }
  std::map<std::string, size_t> first_of;
  for (size_t i = 0; i < groups.size(); ++i)
    first_of.emplace(without_number(groups[i].first->use.w.name), i);
  std::ranges::stable_sort(groups, {}, [&](const Group& group) {
    return first_of.at(without_number(group.first->use.w.name));
  });
  return groups;
}

Json group_json(const rknpu::PlacementPlan& plan, const Group& group) {
  const PlacedMatrix& matrix = *group.first;
  const TensorView& w = matrix.use.w;
  const rknpu::MatrixWays& ways = plan.ways[matrix.ways];
  Json shape = Json::array();
  for (uint32_t i = 0; i < w.n_dims; ++i) shape.push_back(w.shape[i]);
  Json out{{"tensors", without_number(w.name)},
           {"count", group.count},
           {"type", dtype_info(w.dtype).name},
           {"shape", std::move(shape)},
           {"why", text_of(matrix.reason)}};
  Json costs = phases_json(matrix.costs);
  for (auto& [phase, cost] : costs.items()) cost["where"] = "cpu";
  if (matrix.npu) {
    const RowRange rows = matrix.npu->rows;
    const rknpu::NpuWay way{matrix.npu->arithmetic, matrix.npu->holding};
    out["arithmetic"] = rknpu::name_of(way.arithmetic);
    out["held"] = text_of(way.holding);
    out["bytes"] = matrix.bytes;
    out["from_rows"] = rows.begin;
    if (rows.end != SIZE_MAX) out["below_rows"] = rows.end;
    const PhaseCosts& npu = ways.on_npu(way);
    const PhaseCosts& cpu = ways.on_cpu();
    costs["prompt"]["where"] = place_of(matrix.costs.prompt, cpu.prompt, npu.prompt);
    costs["token"]["where"] = place_of(matrix.costs.token, cpu.token, npu.token);
    costs["tokens_together"]["where"] = place_of(matrix.costs.step, cpu.step, npu.step);
  }
  out["costs"] = std::move(costs);
  out["ways"] = {{"cpu", phases_json(ways.on_cpu())}};
  for (const auto a :
       {rknpu::Arithmetic::w16a16, rknpu::Arithmetic::w8a8, rknpu::Arithmetic::w4a8}) {
    for (const rknpu::Holding holding : rknpu::kHoldings) {
      const rknpu::NpuWay way{a, holding};
      if (!ways.is_possible(way)) continue;
      Json costs_of_way = phases_json(ways.on_npu(way));
      costs_of_way["bytes"] = ways.bytes(way);
      std::string name(rknpu::name_of(a));
      if (holding == rknpu::Holding::streamed) name += " streamed";
      out["ways"][name] = std::move(costs_of_way);
    }
  }
  return out;
}

// costs: of n tokens each.
Json total_json(const Cost& cost, size_t n_tokens) {
  const auto n = static_cast<double>(n_tokens);
  return {{"ms", cost.ms},
          {"mj", cost.mj},
          {"tokens_per_s", n * 1000 / cost.ms},
          {"j_per_token", cost.mj / 1000 / n},
          {"watts", cost.watts()}};
}

Json totals_json(const PhaseCosts& costs, size_t n_prompt) {
  return {{"prompt", total_json(costs.prompt, n_prompt)},
          {"token", total_json(costs.token, 1)},
          {"tokens_together", total_json(costs.step, rknpu::kAnswersAtOnce)}};
}

std::string cell(const Json& cost, double count) {
  const double ms = count * cost["ms"].get<double>();
  const double mj = count * cost["mj"].get<double>();
  std::string where = cost["where"];
  std::ranges::transform(where, where.begin(), [](unsigned char c) { return std::toupper(c); });
  return fmt::format("{:>5}{:>9.1f}{:>10.1f}", where, ms, mj);
}

MatrixPlaces places_of(const Json& placement) {
  MatrixPlaces places{.n_bytes = placement["bytes"]};
  for (const Json& group : placement["groups"]) {
    uint64_t& n = !group.contains("held")                              ? places.n_on_cpu
                  : group["held"] == text_of(rknpu::Holding::streamed) ? places.n_streamed
                                                                       : places.n_resident;
    n += group["count"].get<uint64_t>();
  }
  return places;
}

std::string account_text(const Json& memory) {
  std::string text = "  memory:";
  for (const auto& [what, bytes] : memory.items()) {
    if (what == "total") {
      text += fmt::format(" together {} of the board's {}\n", bytes_text(bytes),
                          bytes_text(memory["board"]));
      break;
    }
    if (bytes != 0) text += fmt::format(" {} {},", what, bytes_text(bytes));
  }
  return text;
}

std::string totals_text(const char* title, const Json& totals) {
  std::string text;
  for (const auto& [phase, total] : totals.items()) {
    const std::string what = phase == "prompt"  ? "prompt"
                             : phase == "token" ? "answer"
                                                : fmt::format("{} answers", rknpu::kAnswersAtOnce);
    text += fmt::format("  {:<16}{:<12}{:>9.1f} tokens/s{:>8.3f} J/token{:>7.1f} W\n", title, what,
                        total["tokens_per_s"].get<double>(), total["j_per_token"].get<double>(),
                        total["watts"].get<double>());
  }
  return text;
}

}  // namespace

Json summarise_placement(const gguf::File& file, const NpuParams& npu) {
  runtime::check_npu_params(npu);
  EngineContext context({.n_threads = 1});
  const rknpu::BoardMemory outside = runtime::memory_of_model(
      file,
      {.k = kernels::KvType::f16, .v = kernels::KvType::f16, .n_ctx = kContext, .n_batch = kBatch});
  const auto plan = runtime::plan_npu(file, context, npu, {.n_batch = kBatch},
                                      {.memory_bytes = rknpu::kBoardBytes,
                                       .outside = outside,
                                       .domain_bytes = rknpu::planned_npu().bytes_of_domains()});
  const rknpu::PlacementParams& params = plan.params;
  Json out{{"what", "a projection for an RK3588 from published figures, not run on silicon"},
           {"objective", params.objective == rknpu::Objective::speed ? "speed" : "energy"},
           {"max_divergence", params.max_divergence}};
  if (params.max_watts) {
    out["max_watts"] = *params.max_watts;
    out["keeps_watts"] = plan.keeps_watts;
  }
  out["max_bytes"] = params.max_bytes;
  out["bytes"] = plan.n_bytes;
  out["memory"] = memory_json(plan.memory);
  out["prompt_tokens"] = params.workload.n_prompt;
  out["answer_tokens"] = params.workload.n_answer;
  out["groups"] = Json::array();
  for (const Group& group : groups_of(plan)) out["groups"].push_back(group_json(plan, group));
  const rknpu::Workload& workload = params.workload;
  Json rest = phases_json({workload.rest_of_prompt, workload.rest_of_token, workload.rest_of_step});
  for (auto& [phase, cost] : rest.items()) cost["where"] = "cpu";
  out["rest"] = std::move(rest);
  out["total"] = totals_json(plan.costs, workload.n_prompt);
  out["total_on_cpu"] = totals_json(plan.cpu_costs, workload.n_prompt);
  return out;
}

std::string placement_text(const Json& placement) {
  std::string text =
      fmt::format("placement for {}: {}\n  {}; there is room for {}\n",
                  placement["objective"].get<std::string>(), placement["what"].get<std::string>(),
                  places_text(places_of(placement)), bytes_text(placement["max_bytes"])) +
      account_text(placement["memory"]);
  if (placement.contains("max_watts") && !placement["keeps_watts"].get<bool>()) {
    text += fmt::format("  no plan keeps within {:.1f} W: this is the nearest\n",
                        placement["max_watts"].get<double>());
  }
  const uint64_t n_prompt = placement["prompt_tokens"];
  text += fmt::format("  {:<24}{:>4} {:<5}{:<29}{:>24}{:>24}\n", "tensors", "", "type", "packed",
                      fmt::format("prompt of {}: ms, mJ", n_prompt), "answer token: ms, mJ");
  for (const Json& group : placement["groups"]) {
    const uint64_t count = group["count"];
    std::string packed = group["why"];
    if (group.contains("arithmetic")) {
      const bool is_streamed = group["held"] == text_of(rknpu::Holding::streamed);
      packed = fmt::format("{} {}, {} rows", group["arithmetic"].get<std::string>(),
                           is_streamed ? group["held"].get<std::string>()
                                       : bytes_text(count * group["bytes"].get<uint64_t>()),
                           group.contains("below_rows")
                               ? fmt::format("{}-{}", group["from_rows"].get<uint64_t>(),
                                             group["below_rows"].get<uint64_t>() - 1)
                               : fmt::format(">= {}", group["from_rows"].get<uint64_t>()));
    }
    const Json& costs = group["costs"];
    std::string name = printable(group["tensors"].get<std::string>());
    if (name.ends_with(".weight")) name.resize(name.size() - std::strlen(".weight"));
    text += fmt::format("  {:<24}{:>4} {:<5}{:<29}{}{}\n", name, count,
                        group["type"].get<std::string>(), packed,
                        cell(costs["prompt"], static_cast<double>(count)),
                        cell(costs["token"], static_cast<double>(count)));
  }
  const Json& rest = placement["rest"];
  text += fmt::format("  {:<63}{}{}\n", "attention, norms and what else there is",
                      cell(rest["prompt"], 1), cell(rest["token"], 1));
  text += "projected, power and energy above idle:\n";
  text += totals_text("as placed", placement["total"]);
  text += totals_text("all on the CPU", placement["total_on_cpu"]);
  return text;
}

}  // namespace wattle::cli
