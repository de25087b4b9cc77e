// SPDX-License-Identifier: Apache-2.0
// Which pieces of a text a model reads, and which of its predictions count, the way
// llama-perplexity v0.5.0 does it: equal plans give comparable numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "wattle/engine.h"

namespace wattle::measure {

struct TextPlan {
  uint32_t window = 0;        // tokens of a piece
  uint32_t step = 0;          // from the beginning of one piece to that of the next
  uint32_t first_scored = 0;  // position in a piece whose prediction is the first that counts
  uint32_t n_scored = 0;      // and how many do; the rest of a piece is context
  uint32_t n_chunk = 0;
  bool starts_with_bos = false;  // the first token of each piece makes room for BOS

  uint64_t n_scored_all() const noexcept { return uint64_t{n_chunk} * n_scored; }
};

// The window of the plans below, to open an engine before the text is tokenised. stride 0: side by
// side. Throws Error{usage} for n_ctx outside 4 to 2^24 and a stride that is not less.
uint32_t window_of(uint32_t n_ctx, uint32_t stride);

// Pieces of n_ctx tokens side by side; the second half of each counts. n_chunks 0: all there are.
// Throws Error{usage} as window_of does, and for texts of less than two pieces.
TextPlan plan_chunks(size_t n_tokens, uint32_t n_ctx, uint32_t n_chunks);

// Overlapping pieces of n_ctx + stride / 2 tokens, rounded up to a multiple of 256 as llama.cpp
// rounds its context; the last `stride` predictions of each count. BOS stands at the beginning of
// the text alone.
TextPlan plan_strides(size_t n_tokens, uint32_t n_ctx, uint32_t stride, uint32_t n_chunks);

// Hands out what counts, in order: the logits [n_vocab], valid during the call, and the token that
// follows in the text. The engine's context holds plan.window tokens. on_step is called before each
// row and before every 256 tokens of context. Ends with whatever either throws.
using OnScored =
    std::function<void(uint32_t chunk, uint32_t row, std::span<const float> logits, TokenId next)>;
void read_text(Engine& engine, std::span<const TokenId> tokens, const TextPlan& plan,
               const std::function<void()>& on_step, const OnScored& on_row);

}  // namespace wattle::measure
