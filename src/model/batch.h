// SPDX-License-Identifier: Apache-2.0
// The rows of one forward pass: prompt pieces and single tokens of several sequences, mixed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wattle/token.h"

namespace wattle {

// Row i is token tokens[i] at position pos[i] of sequence seq[i]. The positions of a sequence go up
// by one from its length in the cache; between its rows there may be rows of other sequences.
struct Batch {
  std::span<const TokenId> tokens;
  std::span<const Pos> pos;
  std::span<const SeqId> seq;
  // Rows whose logits are wanted, in ascending order; logits row j is that of row logits_rows[j].
  std::span<const uint32_t> logits_rows;

  size_t size() const noexcept { return tokens.size(); }
};

}  // namespace wattle
