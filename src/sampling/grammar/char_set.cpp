// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/char_set.h"

#include <algorithm>
#include <array>
#include <map>

namespace wattle::grammar {
namespace {

constexpr CharRange kSurrogates{0xD800, 0xDFFF};
constexpr char32_t kLastOfSize[] = {0x7F, 0x7FF, 0xFFFF};  // in 1, 2 and 3 bytes

// Sorts and joins what overlaps or touches.
std::vector<CharRange> joined(std::vector<CharRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const CharRange& a, const CharRange& b) { return a.first < b.first; });
  std::vector<CharRange> out;
  for (const CharRange& range : ranges) {
    if (!out.empty() && range.first <= out.back().last + 1) {
      out.back().last = std::max(out.back().last, range.last);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

struct Utf8 {
  std::array<uint8_t, 4> bytes;
  size_t size;
};

Utf8 utf8_of(char32_t c) {
  const auto tail = [&](int shift) { return static_cast<uint8_t>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) return {{static_cast<uint8_t>(c)}, 1};
  if (c < 0x800) return {{static_cast<uint8_t>(0xC0 | (c >> 6)), tail(0)}, 2};
  if (c < 0x10000) return {{static_cast<uint8_t>(0xE0 | (c >> 12)), tail(6), tail(0)}, 3};
  return {{static_cast<uint8_t>(0xF0 | (c >> 18)), tail(12), tail(6), tail(0)}, 4};
}

using Rows = std::map<std::vector<ByteRange>, ByteSet>;

// Cuts the range until its encodings are the product of one range a byte.
void add_rows(CharRange range, Rows& rows) {
  for (const char32_t last_of_size : kLastOfSize) {
    if (range.first <= last_of_size && last_of_size < range.last) {
      add_rows({range.first, last_of_size}, rows);
      add_rows({last_of_size + 1, range.last}, rows);
      return;
    }
  }
  const Utf8 first = utf8_of(range.first);
  const Utf8 last = utf8_of(range.last);
  // Where the bytes before the last `n` differ, those n must run through all their values.
  for (size_t n = 1; n < first.size; ++n) {
    const char32_t mask = (char32_t{1} << (6 * n)) - 1;
    if ((range.first & ~mask) == (range.last & ~mask)) continue;
    if ((range.first & mask) != 0) {
      add_rows({range.first, range.first | mask}, rows);
      add_rows({(range.first | mask) + 1, range.last}, rows);
      return;
    }
    if ((range.last & mask) != mask) {
      add_rows({range.first, (range.last & ~mask) - 1}, rows);
      add_rows({range.last & ~mask, range.last}, rows);
      return;
    }
  }
  std::vector<ByteRange> rest;
  for (size_t i = 1; i < first.size; ++i) rest.push_back({first.bytes[i], last.bytes[i]});
  ByteSet& lead = rows[rest];
  for (unsigned byte = first.bytes[0]; byte <= last.bytes[0]; ++byte) lead.set(byte);
}

}  // namespace

std::vector<CharRange> CharSet::ranges() const {
  std::vector<CharRange> out;
  for (const CharRange& range : joined(ranges_)) {
    if (range.first < kSurrogates.first) {
      out.push_back({range.first, std::min<char32_t>(range.last, kSurrogates.first - 1)});
    }
    if (range.last > kSurrogates.last) {
      out.push_back({std::max<char32_t>(range.first, kSurrogates.last + 1), range.last});
    }
  }
  return out;
}

CharSet CharSet::complement() const {
  CharSet out;
  char32_t next = 0;
  for (const CharRange& range : joined(ranges_)) {
    if (range.first > next) out.add(next, range.first - 1);
    next = range.last + 1;
  }
  if (next <= kLastCodepoint) out.add(next, kLastCodepoint);
  return out;
}

std::vector<EncodedChars> encode(std::span<const CharRange> ranges) {
  Rows rows;
  for (const CharRange& range : ranges) add_rows(range, rows);
  std::vector<EncodedChars> out;
  out.reserve(rows.size());
  for (const auto& [rest, lead] : rows) out.push_back({lead, rest});
  return out;
}

}  // namespace wattle::grammar
