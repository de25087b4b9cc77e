// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/weight_memory.h"

#include <algorithm>

namespace wattle::rknpu {
namespace {

constexpr size_t kBufferBytes = size_t{32} << 20;
constexpr size_t kAlignment = 64;

}  // namespace

bool WeightMemory::has_room(size_t size) const {
  return size <= left_in_buffer() || size <= device_.free_bytes(domain_);
}

WeightPlace WeightMemory::take(size_t size) {
  if (size > left_in_buffer()) {
    const size_t most = std::min(kBufferBytes, device_.free_bytes(domain_));
    buffers_.push_back(device_.allocate(std::max(size, most), domain_));
    used_ = 0;
  }
  const WeightPlace place{buffers_.back().get(), used_, size};
  used_ = std::min(buffers_.back()->bytes().size(),
                   (used_ + size + kAlignment - 1) / kAlignment * kAlignment);
  return place;
}

}  // namespace wattle::rknpu
