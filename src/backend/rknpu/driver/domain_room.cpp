// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/driver/domain_room.h"

#include <fmt/format.h>

#include <algorithm>

#include "wattle/error.h"

namespace wattle::rknpu {

void DomainRoom::check(size_t size, uint32_t domain) const {
  if (size == 0 || size > kDomainBytes || domain >= allocated_.size()) {
    throw Error(
        ErrorCode::usage,
        fmt::format("{}: a buffer of {} bytes in domain {}", driver_, size, domain),
        fmt::format("1 to {} bytes, in domains 0 to {}", kDomainBytes, allocated_.size() - 1));
  }
  if (const size_t left = free_bytes(domain); size > left) {
    throw Error(ErrorCode::out_of_memory,
                fmt::format("{}: no {} bytes in domain {}, which has {} of {} left", driver_, size,
                            domain, left, kDomainBytes),
                "use another domain, or keep fewer matrices on the NPU");
  }
}

void DomainRoom::take(size_t bytes, uint32_t domain) {
  const std::lock_guard lock(mutex_);
  allocated_.at(domain) += bytes;
}

void DomainRoom::give_back(size_t bytes, uint32_t domain) noexcept {
  const std::lock_guard lock(mutex_);
  allocated_[domain] -= bytes;
}

size_t DomainRoom::free_bytes(uint32_t domain) const {
  const std::lock_guard lock(mutex_);
  return kDomainBytes - std::min(kDomainBytes, allocated_.at(domain));
}

}  // namespace wattle::rknpu
