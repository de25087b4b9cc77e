// SPDX-License-Identifier: Apache-2.0
// The hash table under the vocabulary and the merges: hundreds of thousands of short texts that lie
// elsewhere already, filled once at load. One flat array, no allocation per entry: filling it is
// most of what opening a tokenizer costs.
#pragma once

#include <algorithm>
#include <array>
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

namespace detail {

template <class T>
T load(const char* p) noexcept {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// n < 8 bytes as one number; of a given n no two texts share one.
inline uint64_t load_tail(const char* p, size_t n) noexcept {
  if (n >= 4) return (uint64_t{load<uint32_t>(p)} << 32) | load<uint32_t>(p + n - 4);
  if (n == 0) return 0;
  const auto byte = [&](size_t i) { return uint64_t{static_cast<unsigned char>(p[i])}; };
  return (byte(0) << 16) | (byte(n / 2) << 8) | byte(n - 1);
}

}  // namespace detail

// Multiply and fold, 8 bytes at a time. A random `seed` keeps the author of a file from choosing
// texts that all collide.
inline uint64_t hash_text(std::string_view text, uint64_t seed) noexcept {
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;
  uint64_t h = seed ^ (text.size() * kOdd);
  const char* p = text.data();
  size_t n = text.size();
  for (; n >= 8; p += 8, n -= 8) {
    h = mix(h ^ detail::load<uint64_t>(p), kOdd);
  }
  return mix(h ^ detail::load_tail(p, n), kOdd ^ seed);
}

// Maps hashes to 32-bit indices of the caller's own array, which settles equality.
// Immutable after filling; then safe to share between threads.
class HashSlots {
 public:
  explicit HashSlots(size_t n_entries) : slots_(std::bit_ceil(2 * n_entries)) {}

  // Enters the indices [0, n_entries) that hash_of(index) has a hash for; of equal entries, as
  // equal(index, other) tells, the first. A table of this size lies outside the caches, so the
  // slots of a block of entries are asked for before the first of them is needed.
  template <class HashOf, class Equal>
  void fill(uint32_t n_entries, const HashOf& hash_of, const Equal& equal) {
    constexpr uint32_t kBlock = 32;
    std::array<std::optional<uint64_t>, kBlock> hashes;
    for (uint32_t begin = 0; begin < n_entries; begin += kBlock) {
      const uint32_t size = std::min(kBlock, n_entries - begin);
      for (uint32_t i = 0; i < size; ++i) {
        hashes[i] = hash_of(begin + i);
        if (hashes[i]) __builtin_prefetch(&slots_[*hashes[i] & (slots_.size() - 1)], 1);
      }
      for (uint32_t i = 0; i < size; ++i) {
        if (!hashes[i]) continue;
        const uint32_t index = begin + i;
        uint64_t& slot =
            slots_[probe(*hashes[i], [&](uint32_t other) { return equal(index, other); })];
        if (slot == 0) slot = (*hashes[i] & kTagMask) | (uint64_t{index} + 1);
      }
    }
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
