// SPDX-License-Identifier: Apache-2.0
// Sets of characters, as `[a-zé]` writes them, and their bytes in UTF-8.
#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <vector>

namespace wattle::grammar {

inline constexpr char32_t kLastCodepoint = 0x10FFFF;

struct CharRange {
  char32_t first = 0;
  char32_t last = 0;  // inclusive
  bool operator==(const CharRange&) const = default;
};

// Ranges in any order, overlapping or not. Surrogates are no characters: they are in no set, so a
// range may run across them.
class CharSet {
 public:
  // Both at most kLastCodepoint, first <= last.
  void add(char32_t first, char32_t last) { ranges_.push_back({first, last}); }
  // Sorted, disjoint, not touching, without surrogates.
  std::vector<CharRange> ranges() const;
  CharSet complement() const;

 private:
  std::vector<CharRange> ranges_;
};

using ByteSet = std::bitset<256>;

// The encodings of a set of characters in the form of a table: a character is one byte of `lead`
// and then one of each range in `rest`. No two rows have the same rest, and no byte leads in two
// rows but for different second bytes.
struct ByteRange {
  uint8_t first = 0;
  uint8_t last = 0;
  auto operator<=>(const ByteRange&) const = default;
};
struct EncodedChars {
  ByteSet lead;
  std::vector<ByteRange> rest;
};
std::vector<EncodedChars> encode(std::span<const CharRange> ranges);

}  // namespace wattle::grammar
