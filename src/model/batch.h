// SPDX-License-Identifier: Apache-2.0
// The rows of one forward pass: prompt pieces and single tokens of several sequences, mixed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/view.h"
#include "wattle/token.h"

namespace wattle {

// Row i is token tokens[i] at position pos[i] of sequence seq[i]. The positions of a sequence go up
// by one from its length in the cache; between its rows there may be rows of other sequences.
struct Batch {
  std::span<const TokenId> tokens;
  std::span<const Pos> pos;
  std::span<const SeqId> seq;
  // Rows that something is wanted of, in ascending order; row j of the outputs is that of
  // output_rows[j].
  std::span<const uint32_t> output_rows;

  size_t size() const noexcept { return tokens.size(); }
};

// Where the outputs of a batch go. What has no rows is not computed.
struct Outputs {
  RowsView<float> logits = {};  // [output_rows.size(), n_vocab]
  RowsView<float> hidden = {};  // [output_rows.size(), n_embd], after the last norm
};

}  // namespace wattle
