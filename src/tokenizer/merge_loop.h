// SPDX-License-Identifier: Apache-2.0
// The loop that all families share: start from single characters, merge the best pair of neighbours
// until no pair is left. They differ in what makes a pair good: a rank in a table of merges, or the
// score of the token that it becomes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace wattle::tokenizer {

// Buffers that are kept from one text to the next. Not thread-safe: one per call of encode.
class MergeLoop {
 public:
  // rank_of(pair, left_size_bytes) gives the rank of merging two neighbours, or nothing where they
  // may not be merged; the lowest rank goes first, of equal ranks the leftmost.
  // on_symbol(text) is called for what remains, from left to right.
  // O(n log n) however long the text is: candidates wait in a heap, and those that a merge has
  // overtaken are dropped when they come up. `text` is shorter than 4 GiB. Each malformed byte
  // sequence counts as a character.
  template <class RankOf, class OnSymbol>
  void run(std::string_view text, const RankOf& rank_of, const OnSymbol& on_symbol) {
    split_into_characters(text);
    heap_.clear();
    for (uint32_t i = 0; i + 1 < symbols_.size(); ++i) add_candidate(text, i, rank_of);
    std::make_heap(heap_.begin(), heap_.end());

    while (!heap_.empty()) {
      const Candidate best = heap_.front();
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.pop_back();
      Symbol& left = symbols_[best.left];
      if (left.size_bytes == 0 || left.next == kNone) continue;
      Symbol& right = symbols_[left.next];
      // Symbols only grow, so an equal size means that neither has changed since.
      if (left.size_bytes + right.size_bytes != best.size_bytes) continue;

      left.size_bytes += right.size_bytes;
      right.size_bytes = 0;
      left.next = right.next;
      if (left.next != kNone) symbols_[left.next].prev = best.left;

      if (left.prev != kNone) push_candidate(text, left.prev, rank_of);
      if (left.next != kNone) push_candidate(text, best.left, rank_of);
    }
    for (const Symbol& s : symbols_) {
      if (s.size_bytes > 0) on_symbol(text.substr(s.begin, s.size_bytes));
    }
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Symbol {
    uint32_t begin;
    uint32_t size_bytes;  // 0: merged into a symbol before it
    uint32_t prev;
    uint32_t next;
  };

  struct Candidate {
    uint32_t rank;
    uint32_t left;        // symbol
    uint32_t size_bytes;  // of both sides together

    // std::*_heap keep the largest in front.
    bool operator<(const Candidate& other) const noexcept {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };

  void split_into_characters(std::string_view text) {
    symbols_.clear();
    for (uint32_t begin = 0; begin < text.size();) {
      const uint32_t size = utf8::decode(text.substr(begin)).size_bytes;
      const auto i = static_cast<uint32_t>(symbols_.size());
      symbols_.push_back({begin, size, i == 0 ? kNone : i - 1, i + 1});
      begin += size;
    }
    if (!symbols_.empty()) symbols_.back().next = kNone;
  }

  template <class RankOf>
  bool add_candidate(std::string_view text, uint32_t left, const RankOf& rank_of) {
    const Symbol& l = symbols_[left];
    const uint32_t size_bytes = l.size_bytes + symbols_[l.next].size_bytes;
    const std::optional<uint32_t> rank = rank_of(text.substr(l.begin, size_bytes), l.size_bytes);
    if (rank) heap_.push_back({*rank, left, size_bytes});
    return rank.has_value();
  }

  template <class RankOf>
  void push_candidate(std::string_view text, uint32_t left, const RankOf& rank_of) {
    if (add_candidate(text, left, rank_of)) std::push_heap(heap_.begin(), heap_.end());
  }

  std::vector<Symbol> symbols_;
  std::vector<Candidate> heap_;
};

}  // namespace wattle::tokenizer
