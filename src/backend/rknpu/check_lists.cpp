// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/check_lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace wattle::rknpu {

void check_lists(const NpuInfo& info, std::span<const NpuList> lists) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::usage, fmt::format("NPU ({}): {}", info.driver, what),
                "NpuInfo says what a submit may hold");
  };
  if (lists.empty() || lists.size() > info.n_cores) {
    refuse(fmt::format("{} lists, expected 1 to {}", lists.size(), info.n_cores));
  }
  std::vector<uint32_t> of_domain(info.n_domains);
  for (const NpuList& list : lists) {
    if (list.domain >= info.n_domains) {
      refuse(fmt::format("domain {} of {}", list.domain, info.n_domains));
    }
    if (list.tasks.empty() || list.tasks.size() > kMaxTasksOfList) {
      refuse(
          fmt::format("a list of {} tasks, expected 1 to {}", list.tasks.size(), kMaxTasksOfList));
    }
    if (list.output == nullptr || list.output->domain() != list.domain) {
      refuse("a list without an output in its domain");
    }
    if (++of_domain[list.domain] > info.lists_per_domain) {
      refuse(fmt::format("{} lists in domain {}", of_domain[list.domain], list.domain));
    }
  }
  const auto n_idle = static_cast<size_t>(std::ranges::count(of_domain, 0U));
  if (of_domain.size() - n_idle > info.domains_per_submit) {
    refuse(fmt::format("{} domains", of_domain.size() - n_idle));
  }
}

}  // namespace wattle::rknpu
