// SPDX-License-Identifier: Apache-2.0
#include "cli/npu_selftest.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "backend/rknpu/driver/rocket_npu.h"
#include "backend/rknpu/driver/vendor_npu.h"
#include "backend/rknpu/selftest.h"
#include "backend/rknpu/simulator/fault_plan.h"
#include "backend/rknpu/simulator/simulated_npu.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string counted(size_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

std::string text_of(const rknpu::SelftestLine& line) {
  return fmt::format("{:<10} {:<9} {:>4} x {:>5} x {:>4}  domain {:<2}  {:<8} on {}: {}\n",
                     rknpu::info(line.type).name, rknpu::name_of(line.orientation), line.m, line.k,
                     line.n, line.domain, counted(line.n_tasks, "task"),
                     counted(line.n_lists, "core"), line.equal() ? "equal" : line.problem);
}

Json json_of(const rknpu::SelftestLine& line) {
  Json row{{"type", rknpu::info(line.type).name},
           {"orientation", rknpu::name_of(line.orientation)},
           {"m", line.m},
           {"k", line.k},
           {"n", line.n},
           {"domain", line.domain},
           {"tasks", line.n_tasks},
           {"cores", line.n_lists},
           {"equal", line.equal()}};
  if (!line.equal()) row["problem"] = line.problem;
  return row;
}

Json json_of(const rknpu::NpuUsage& usage) {
  Json row{{"submits", usage.n_submits},
           {"tasks", usage.n_tasks},
           {"busy_ms", usage.busy_ms},
           {"is_projection", usage.is_projection}};
  if (usage.energy_mj) row["energy_mj"] = *usage.energy_mj;
  return row;
}

std::string i4_overflow(rknpu::NpuDevice& device) {
  try {
    return std::string(rknpu::name_of(rknpu::observe_i4_overflow(device)));
  } catch (const rknpu::NpuFault& fault) {
    return fmt::format("not observed: {}", fault.what());
  }
}

}  // namespace

std::unique_ptr<rknpu::NpuDevice> open_npu(const NpuChoice& choice) {
  if (choice.device == "sim") {
    return rknpu::open_simulated_npu(
        {.form = choice.form, .fault = rknpu::parse_fault_plan(choice.faults)});
  }
  if (!choice.faults.empty()) {
    throw Error(ErrorCode::usage, "--faults: a board's NPU has none to order",
                "the simulator has: --device sim");
  }
  return choice.device == "vendor" ? rknpu::open_vendor_npu() : rknpu::open_rocket_npu();
}

NpuSelftest run_npu_selftest(rknpu::NpuDevice& device, bool tells) {
  const Interrupt interrupt;
  const rknpu::NpuInfo& about = device.info();
  const bool on_silicon = !device.usage().is_projection;
  if (tells) {
    print_out(fmt::format("{}, {}{}\nC = A B of m x k x n, all elements compared\n", about.driver,
                          about.version, on_silicon ? "" : ": not run on silicon"));
  }
  const auto lines = rknpu::selftest(device, [&](const rknpu::SelftestLine& line) {
    if (tells) {
      print_out(text_of(line));
      flush_out();
    }
    interrupt.check();
  });
  const auto n_wrong = std::ranges::count_if(lines, [](const auto& line) { return !line.equal(); });
  const std::string overflow = i4_overflow(device);
  const rknpu::NpuUsage usage = device.usage();
  if (tells) {
    print_out(fmt::format("{} products, {}\n", lines.size(),
                          n_wrong == 0 ? "all equal" : fmt::format("{} wrong", n_wrong)));
    print_out(fmt::format("a sum of i4 beyond 16 bits: {}\n", overflow));
    print_out(on_silicon ? fmt::format("{:.1f} ms for {}\n", usage.busy_ms,
                                       counted(usage.n_submits, "submit"))
                         : fmt::format("projection, not measured: a board would take {:.1f} ms for "
                                       "{}, and {:.0f} mJ\n",
                                       usage.busy_ms, counted(usage.n_submits, "submit"),
                                       usage.energy_mj.value_or(0)));
  }
  Json report{{"device", about.driver},   {"version", about.version}, {"domains", about.n_domains},
              {"on_silicon", on_silicon}, {"passed", n_wrong == 0},   {"i4_overflow", overflow},
              {"usage", json_of(usage)},  {"products", Json::array()}};
  for (const auto& line : lines) report["products"].push_back(json_of(line));
  return {.passed = n_wrong == 0, .report = std::move(report)};
}

}  // namespace wattle::cli
