// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/placement/choose.h"

#include <algorithm>

namespace wattle::rknpu {
namespace {

constexpr uint64_t kSmallestUnit = 64 * 1024;
constexpr uint64_t kMaxUnits = 256 * 1024;
constexpr uint64_t kMaxCells = uint64_t{64} << 20;  // of the table: a byte each
constexpr double kAsGood = 1e-12;                   // sums in another order

uint64_t in_units(uint64_t bytes, uint64_t unit) { return bytes / unit + (bytes % unit != 0); }

uint64_t bytes_of_all(std::span<const std::vector<MemoryOption>> lists) {
  uint64_t sum = 0;
  for (const auto& options : lists) {
    uint64_t largest = 0;
    for (const MemoryOption& option : options) largest = std::max(largest, option.bytes);
    sum += std::min(largest, UINT64_MAX - sum);
  }
  return sum;
}

}  // namespace

// The knapsack with a choice of each item: best[c] is the largest gain of the lists so far within c
// units.
std::vector<std::optional<size_t>> choose(std::span<const std::vector<MemoryOption>> lists,
                                          uint64_t max_bytes) {
  if (lists.empty()) return {};
  const uint64_t n_units = std::clamp<uint64_t>(kMaxCells / lists.size(), 1, kMaxUnits);
  uint64_t unit = kSmallestUnit;
  while (bytes_of_all(lists) / unit > n_units) unit *= 2;
  uint64_t units_of_all = 0;
  for (const auto& options : lists) {
    uint64_t largest = 0;
    for (const MemoryOption& option : options)
      largest = std::max(largest, in_units(option.bytes, unit));
    units_of_all += largest;
  }
  const size_t capacity = std::min(max_bytes / unit, units_of_all);

  std::vector<double> best(capacity + 1, 0.0);
  std::vector<uint8_t> taken(lists.size() * (capacity + 1), 0);  // 1 + the option, 0 none
  for (size_t i = 0; i < lists.size(); ++i) {
    uint8_t* const row = taken.data() + i * (capacity + 1);
    for (size_t c = capacity + 1; c-- > 0;) {  // downwards: smaller c are still without this list
      double most = best[c];
      for (size_t o = 0; o < lists[i].size(); ++o) {
        const MemoryOption& option = lists[i][o];
        const uint64_t units = in_units(option.bytes, unit);
        if (units > c || option.gain <= 0) continue;
        const double gain = best[c - units] + option.gain;
        if (gain <= most * (1 + kAsGood)) continue;
        most = gain;
        row[c] = static_cast<uint8_t>(o + 1);
      }
      best[c] = most;
    }
  }

  std::vector<std::optional<size_t>> chosen(lists.size());
  size_t c = capacity;
  for (size_t i = lists.size(); i-- > 0;) {
    const uint8_t option = taken[i * (capacity + 1) + c];
    if (option == 0) continue;
    chosen[i] = option - 1;
    c -= in_units(lists[i][*chosen[i]].bytes, unit);
  }
  return chosen;
}

}  // namespace wattle::rknpu
