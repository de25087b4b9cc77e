// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/weight_ring.h"

#include <algorithm>

#include "base/assert.h"

namespace wattle::rknpu {

// A slot is a buffer of its own: some drivers sync whole buffers, and wait for jobs that use them.
WeightRing::WeightRing(NpuDevice& device, uint32_t set) : device_(device) {
  const NpuInfo& npu = device.info();
  for (Slot& slot : slots_) {
    for (uint32_t i = 0; i < npu.domains_per_submit; ++i)
      slot.buffers.push_back(device.allocate(slice_bytes(npu), set * npu.domains_per_submit + i));
    slot.used.resize(slot.buffers.size());
  }
}

size_t WeightRing::bytes(const NpuInfo& npu) noexcept {
  return std::tuple_size_v<decltype(slots_)> * npu.domains_per_submit * slice_bytes(npu);
}

void WeightRing::turn() noexcept {
  at_ = (at_ + 1) % slots_.size();
  slots_[at_].slices.clear();
  std::ranges::fill(slots_[at_].used, 0);
}

const PackedMatrix* WeightRing::pack(const StreamedMatrix& w, RowRange outputs,
                                     EngineContext& context) {
  Slot& slot = slots_[at_];
  const std::vector<size_t> sizes = w.bytes_needed(outputs, device_.info());
  std::vector<WeightPlace> places;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] > slot.buffers[i]->bytes().size() - slot.used[i]) {
      WATTLE_ASSERT(!slot.slices.empty());  // StreamedMatrix makes slices that fit
      return nullptr;
    }
    places.push_back({slot.buffers[i].get(), slot.used[i], sizes[i]});
  }
  slot.slices.push_back(w.pack(outputs, device_.info(), places, context));
  for (size_t i = 0; i < sizes.size(); ++i) slot.used[i] += sizes[i];
  return &slot.slices.back();
}

}  // namespace wattle::rknpu
