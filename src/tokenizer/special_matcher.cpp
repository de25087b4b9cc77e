// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/special_matcher.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace wattle::tokenizer {
namespace {

unsigned byte_at(std::string_view text, size_t i) noexcept {
  return static_cast<unsigned char>(text[i]);
}

}  // namespace

SpecialMatcher::SpecialMatcher(std::vector<Entry> entries) : entries_(std::move(entries)) {
  // string_view compares as unsigned bytes, as byte_at does. Of equal texts the lowest id counts.
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.text, a.id) < std::tie(b.text, b.id);
  });
  const auto same = [](const Entry& a, const Entry& b) { return a.text == b.text; };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
  for (const Entry& e : entries_) ++first_[byte_at(e.text, 0) + 1];
  for (size_t b = 1; b < first_.size(); ++b) first_[b] += first_[b - 1];
}

std::optional<SpecialMatcher::Match> SpecialMatcher::match(std::string_view text) const noexcept {
  if (text.empty()) return std::nullopt;
  const unsigned lead = byte_at(text, 0);
  auto lo = entries_.begin() + first_[lead];
  auto hi = entries_.begin() + first_[lead + 1];
  std::optional<Match> best;
  // [lo, hi) are the entries that agree with `text` on its first `depth` bytes; the one that ends
  // there sorts first.
  for (size_t depth = 1; lo != hi; ++depth) {
    if (lo->text.size() == depth) {
      best = Match{lo->id, depth};
      ++lo;
    }
    if (depth == text.size()) break;
    const unsigned next = byte_at(text, depth);
    lo =
        std::partition_point(lo, hi, [&](const Entry& e) { return byte_at(e.text, depth) < next; });
    hi = std::partition_point(lo, hi,
                              [&](const Entry& e) { return byte_at(e.text, depth) == next; });
  }
  return best;
}

}  // namespace wattle::tokenizer
