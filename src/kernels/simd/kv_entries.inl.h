// SPDX-License-Identifier: Apache-2.0
// Which entries of the KV cache a query row sees, of a run and of a page of it. Included once per
// instruction set, with WATTLE_SIMD defined as its namespace.
#pragma once

#include "kernels/attention.h"

namespace wattle::kernels::WATTLE_SIMD {
namespace {

inline constexpr size_t kPage = kAttentionPage;

// Entries [begin, end).
struct Entries {
  size_t begin;
  size_t end;
  bool empty() const { return begin >= end; }
  bool has(size_t entry) const { return entry >= begin && entry < end; }
};

inline constexpr Entries kNone{~size_t{0}, 0};

// The smallest range that holds both.
inline Entries operator|(Entries a, Entries b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

inline Entries seen_by(const AttentionRun& run, size_t row) {
  return {run.first[row], run.last[row]};
}

inline Entries seen_by_any(const AttentionRun& run) {
  Entries seen = kNone;
  for (size_t row = 0; row < run.n_q; ++row) seen = seen | seen_by(run, row);
  return seen;
}

// Those of the page that begins with entry page_begin, counted from there.
inline Entries in_page(Entries entries, size_t page_begin) {
  const auto clamped = [page_begin](size_t entry) {
    if (entry < page_begin) return size_t{0};
    return entry - page_begin < kPage ? entry - page_begin : kPage;
  };
  return {clamped(entries.begin), clamped(entries.end)};
}

}  // namespace
}  // namespace wattle::kernels::WATTLE_SIMD
