// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/weight_memory.h"

#include <algorithm>

namespace wattle::rknpu {
namespace {

constexpr size_t kAlignment = 64;

}  // namespace

WeightMemory::WeightMemory(NpuDevice& device, uint32_t set) : device_(device) {
  const uint32_t n_domains = device.info().domains_per_submit;
  for (uint32_t i = 0; i < n_domains; ++i) domains_.push_back({.domain = set * n_domains + i});
}

bool WeightMemory::has_room(std::span<const size_t> sizes) const {
  for (size_t i = 0; i < sizes.size(); ++i) {
    const OfDomain& there = domains_[i];
    const size_t left = sizes[i] < kOwnWeightBytes ? there.left() : 0;
    if (sizes[i] > left && sizes[i] > device_.free_bytes(there.domain)) return false;
  }
  return true;
}

std::vector<WeightPlace> WeightMemory::take(std::span<const size_t> sizes) {
  std::vector<WeightPlace> places;
  places.reserve(sizes.size());
  try {
    for (size_t i = 0; i < sizes.size(); ++i)
      places.push_back(sizes[i] == 0 ? WeightPlace{} : take_in(domains_[i], sizes[i]));
  } catch (...) {
    give_back(places);
    throw;
  }
  return places;
}

WeightPlace WeightMemory::take_in(OfDomain& there, size_t size) {
  if (size >= kOwnWeightBytes) {
    there.own.push_back(device_.allocate(size, there.domain));
    return {there.own.back().get(), 0, size};
  }
  if (size > there.left()) {
    const size_t most = std::min(kSharedWeightBytes, device_.free_bytes(there.domain));
    there.shared.push_back(device_.allocate(std::max(size, most), there.domain));
    there.used = 0;
  }
  const WeightPlace place{there.shared.back().get(), there.used, size};
  there.used = std::min(there.shared.back()->bytes().size(),
                        (there.used + size + kAlignment - 1) / kAlignment * kAlignment);
  return place;
}

void WeightMemory::give_back(std::span<const WeightPlace> last) noexcept {
  for (size_t i = 0; i < last.size(); ++i) {
    if (last[i].size == 0) continue;
    if (last[i].size >= kOwnWeightBytes) {
      domains_[i].own.pop_back();
    } else {
      domains_[i].used = last[i].offset;
    }
  }
}

}  // namespace wattle::rknpu
