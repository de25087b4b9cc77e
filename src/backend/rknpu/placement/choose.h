// SPDX-License-Identifier: Apache-2.0
// The best choice of at most one option of each list within a memory budget.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace wattle::rknpu {

struct MemoryOption {
  uint64_t bytes = 0;
  double gain = 0;  // one that gains nothing is not chosen
};

// One entry for each list: which of its options, or nothing. No other choice that fits gains more,
// where sizes count in whole units of 64 KiB, larger ones where there is more to choose than memory
// for the search; they depend on the options and not on max_bytes, so a larger budget never gains
// less. Of choices that gain as much the one with earlier options is taken.
std::vector<std::optional<size_t>> choose(std::span<const std::vector<MemoryOption>> lists,
                                          uint64_t max_bytes);

}  // namespace wattle::rknpu
