// SPDX-License-Identifier: Apache-2.0
// The hash table under the vocabulary and the merges: hundreds of thousands of short texts that lie
// elsewhere already, filled once at load. One flat array, no allocation per entry: filling it is
// most of what opening a tokenizer costs.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace wattle::tokenizer {

__extension__ typedef unsigned __int128 Uint128;  // -Wpedantic knows no other spelling

constexpr uint64_t mix(uint64_t a, uint64_t b) noexcept {
  const Uint128 product = static_cast<Uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Multiply and fold, 8 bytes at a time. A random `seed` keeps the author of a file from choosing
// texts that all collide.
inline uint64_t hash_text(std::string_view text, uint64_t seed) noexcept {
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;
  uint64_t h = seed ^ (text.size() * kOdd);
  const char* p = text.data();
  size_t n = text.size();
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    h = mix(h ^ word, kOdd);
  }
  uint64_t tail = 0;
  std::memcpy(&tail, p, n);
  return mix(h ^ tail, kOdd ^ seed);
}

// Maps hashes to 32-bit indices of the caller's own array, which settles equality.
// Immutable after filling; then safe to share between threads.
class HashSlots {
 public:
  explicit HashSlots(size_t n_entries) : slots_(std::bit_ceil(2 * n_entries)) {}

  // Does nothing where `equal(index of an entry)` says that the text is there already.
  template <class Equal>
  void insert(uint64_t hash, uint32_t index, const Equal& equal) noexcept {
    uint64_t& slot = slots_[probe(hash, equal)];
    if (slot == 0) slot = (hash & kTagMask) | (uint64_t{index} + 1);
  }

  template <class Equal>
  std::optional<uint32_t> find(uint64_t hash, const Equal& equal) const noexcept {
    const uint64_t slot = slots_[probe(hash, equal)];
    if (slot == 0) return std::nullopt;
    return static_cast<uint32_t>(slot) - 1;
  }

 private:
  // A slot is the upper half of the hash and the index + 1, or 0 where it is free. The position
  // comes from the lower half, so that the upper half tells neighbours apart.
  static constexpr uint64_t kTagMask = 0xFFFFFFFF'00000000;

  template <class Equal>
  size_t probe(uint64_t hash, const Equal& equal) const noexcept {
    const size_t mask = slots_.size() - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
      const uint64_t slot = slots_[i];
      if (slot == 0) return i;
      if (((slot ^ hash) & kTagMask) == 0 && equal(static_cast<uint32_t>(slot) - 1)) return i;
    }
  }

  std::vector<uint64_t> slots_;
};

}  // namespace wattle::tokenizer
