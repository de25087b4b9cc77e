// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/weight_memory.h"

#include <algorithm>

namespace wattle::rknpu {
namespace {

constexpr size_t kBufferBytes = size_t{32} << 20;
constexpr size_t kAlignment = 64;

}  // namespace

std::optional<WeightPlace> WeightMemory::take(size_t size) {
  if (buffers_.empty() || buffers_.back()->bytes().size() - used_ < size) {
    const size_t n_free = device_.free_bytes(domain_);
    if (size > n_free) return std::nullopt;
    try {
      buffers_.push_back(device_.allocate(std::max(size, std::min(kBufferBytes, n_free)), domain_));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::out_of_memory) throw;
      return std::nullopt;
    }
    used_ = 0;
  }
  const WeightPlace place{buffers_.back().get(), used_, size};
  used_ = std::min(buffers_.back()->bytes().size(),
                   (used_ + size + kAlignment - 1) / kAlignment * kAlignment);
  return place;
}

}  // namespace wattle::rknpu
