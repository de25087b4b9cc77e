// SPDX-License-Identifier: Apache-2.0
#include "doctor/clock.h"

#include <fmt/format.h>

#include <algorithm>

namespace wattle::doctor {

std::string Devfreq::text() const {
  const int64_t highest = highest_hz();
  return highest > 0 ? fmt::format("{} of {} MHz", cur_hz / 1000000, highest / 1000000)
                     : fmt::format("{} MHz", cur_hz / 1000000);
}

std::optional<Devfreq> read_devfreq(const FileTree& tree, std::string_view name) {
  Devfreq clock{.folder = fmt::format("sys/class/devfreq/{}", name)};
  const auto governor = tree.text(clock.folder + "/governor");
  const auto cur = tree.number(clock.folder + "/cur_freq");
  if (!governor || !cur) return std::nullopt;
  clock.governor = *governor;
  clock.cur_hz = *cur;
  clock.max_hz = tree.number(clock.folder + "/max_freq").value_or(0);
  for (const std::string& step : tree.words(clock.folder + "/available_frequencies")) {
    if (const auto hz = leading_number(step)) clock.steps_hz.push_back(*hz);
  }
  std::ranges::sort(clock.steps_hz);
  return clock;
}

}  // namespace wattle::doctor
