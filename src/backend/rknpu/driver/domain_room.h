// SPDX-License-Identifier: Apache-2.0
// How much of each domain's window is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace wattle::rknpu {

// Of 4 GiB: published programs stay below 3.75 to 3.9.
inline constexpr size_t kDomainBytes = size_t{0xf0000000};

// All members may be called from any thread.
class DomainRoom {
 public:
  // driver: the name that errors begin with.
  DomainRoom(std::string driver, uint32_t n_domains)
      : driver_(std::move(driver)), allocated_(n_domains) {}

  // Throws Error{usage} for 0 bytes, more than a window, or no such domain, Error{out_of_memory}
  // where the domain does not have them left.
  void check(size_t size, uint32_t domain) const;
  void take(size_t bytes, uint32_t domain);
  void give_back(size_t bytes, uint32_t domain) noexcept;
  size_t free_bytes(uint32_t domain) const;

 private:
  const std::string driver_;
  mutable std::mutex mutex_;
  std::vector<size_t> allocated_;
};

}  // namespace wattle::rknpu
