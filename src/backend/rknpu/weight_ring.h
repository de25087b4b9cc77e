// SPDX-License-Identifier: Apache-2.0
// Memory of the NPU that weights pass through which are not held there: two slots by turns, one
// read by the NPU while the other is packed.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "backend/rknpu/npu_device.h"
#include "backend/rknpu/streamed_matrix.h"

namespace wattle::rknpu {

// Of one set of domains; borrows the device.
class WeightRing {
 public:
  // Throws as NpuDevice::allocate does.
  WeightRing(NpuDevice& device, uint32_t set);

  // Of the memory of the NPU that a ring takes, in all domains of its set.
  static size_t bytes(const NpuInfo& npu) noexcept;

  // From here on the other slot is packed; what lay in it is gone, and no submit may use it.
  void turn() noexcept;
  // A slice of w behind those that the slot has; nullptr where it has no room for it, which an
  // empty one always has. Lives until the turn after the next. Throws as StreamedMatrix::pack and
  // NpuBuffer::to_device do.
  const PackedMatrix* pack(const StreamedMatrix& w, RowRange outputs, EngineContext& context);

 private:
  struct Slot {
    std::vector<std::unique_ptr<NpuBuffer>> buffers;  // [domains of the set]
    std::vector<size_t> used;                         // bytes of each
    std::deque<PackedMatrix> slices;
  };

  NpuDevice& device_;
  std::array<Slot, 2> slots_;
  size_t at_ = 0;  // the slot that is packed
};

}  // namespace wattle::rknpu
