// SPDX-License-Identifier: Apache-2.0
#include "doctor/heat.h"

#include <fmt/format.h>

#include <optional>
#include <string>

namespace wattle::doctor {
namespace {

// Where the kernel begins to lower clocks, in thousandths of a degree.
std::optional<int64_t> slows_at(const FileTree& tree, const std::string& zone) {
  std::optional<int64_t> lowest;
  for (int i = 0; i < 16; ++i) {
    const std::string point = fmt::format("{}/trip_point_{}", zone, i);
    if (tree.text(point + "_type") != "passive") continue;
    const auto at = tree.number(point + "_temp");
    if (at && *at > 0 && (!lowest || *at < *lowest)) lowest = at;
  }
  return lowest;
}

}  // namespace

void examine_heat(const FileTree& tree, Findings& out) {
  std::string all;
  std::string hot;
  for (const std::string& name : tree.names("sys/class/thermal", "thermal_zone")) {
    const std::string zone = "sys/class/thermal/" + name;
    const auto temperature = tree.number(zone + "/temp");
    if (!temperature) continue;  // a sensor that is off
    const std::string type = tree.text(zone + "/type").value_or(name);
    const auto degrees = [](int64_t thousandths) { return thousandths / 1000; };
    all += fmt::format("{}{} {}", all.empty() ? "" : ", ", type, degrees(*temperature));
    const auto limit = slows_at(tree, zone);
    if (limit && *temperature >= *limit) {
      hot += fmt::format("{}{} is at {}, and clocks go down from {}", hot.empty() ? "" : ", ", type,
                         degrees(*temperature), degrees(*limit));
    }
  }
  if (all.empty()) {
    out.push_back({.id = "heat.zones",
                   .verdict = Verdict::note,
                   .what = "no thermal zone tells a temperature",
                   .why = "heat is not seen from here, as in most virtual machines"});
    return;
  }
  Finding found{.id = "heat.zones", .what = fmt::format("degrees C: {}", all)};
  if (!hot.empty()) {
    found.verdict = Verdict::warning;
    found.why = hot;
    found.mend = {"a heat sink and a fan; fewer threads (-t) or a lower clock need less"};
  }
  out.push_back(std::move(found));
}

}  // namespace wattle::doctor
