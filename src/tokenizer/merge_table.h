// SPDX-License-Identifier: Apache-2.0
// The merges of a BPE vocabulary: which neighbours may become one symbol, and which of them first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tokenizer/hash_slots.h"

namespace wattle::tokenizer {

// Keyed by the text of both sides rather than by a pair of ids: filling it then needs no look-up in
// the vocabulary, which for the half million merges of Gemma 4 would cost more than all the rest.
// Borrows `merges`.
class MergeTable {
 public:
  // Throws Error{bad_input} for a merge without a space inside.
  MergeTable(std::span<const std::string_view> merges, uint64_t seed);

  // The rank of merging the first `left_size_bytes` of `pair` with the rest; lower merges first.
  std::optional<uint32_t> rank(std::string_view pair, size_t left_size_bytes) const noexcept;

 private:
  std::span<const std::string_view> merges_;
  uint64_t seed_;
  HashSlots slots_;
};

}  // namespace wattle::tokenizer
