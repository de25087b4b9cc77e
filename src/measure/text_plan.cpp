// SPDX-License-Identifier: Apache-2.0
#include "measure/text_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/assert.h"
#include "measure/logits_file.h"
#include "wattle/error.h"

namespace wattle::measure {
namespace {

constexpr uint32_t kMinContext = 4;
constexpr uint32_t kMaxContext = uint32_t{1} << 24;
constexpr uint32_t kContextStep = 256;
constexpr size_t kFeedStep = 256;  // an interrupt waits no longer than these take

uint32_t at_most(uint64_t n_there, uint32_t n_wanted) {
  return static_cast<uint32_t>(n_wanted == 0 ? n_there : std::min<uint64_t>(n_there, n_wanted));
}

void check_length(size_t n_tokens, uint64_t n_needed, uint32_t n_ctx) {
  if (n_tokens >= n_needed) return;
  throw Error(ErrorCode::usage,
              fmt::format("the text has {} tokens, but a context of {} needs at least {}", n_tokens,
                          n_ctx, n_needed),
              "take a longer text, or a shorter context with -c");
}

}  // namespace

uint32_t window_of(uint32_t n_ctx, uint32_t stride) {
  if (n_ctx < kMinContext || n_ctx > kMaxContext) {
    throw Error(ErrorCode::usage, fmt::format("a context of {} tokens, expected {} to {}", n_ctx,
                                              kMinContext, kMaxContext));
  }
  if (stride == 0) return n_ctx;
  if (stride >= n_ctx) {
    throw Error(ErrorCode::usage,
                fmt::format("a stride of {}, expected less than the context of {}", stride, n_ctx));
  }
  return (n_ctx + stride / 2 + kContextStep - 1) / kContextStep * kContextStep;
}

TextPlan plan_chunks(size_t n_tokens, uint32_t n_ctx, uint32_t n_chunks) {
  const uint32_t window = window_of(n_ctx, 0);
  check_length(n_tokens, 2 * uint64_t{n_ctx}, n_ctx);
  return {.window = window,
          .step = window,
          .first_scored = first_scored_position(window),
          .n_scored = scored_positions(window),
          .n_chunk = at_most(n_tokens / window, n_chunks),
          .starts_with_bos = true};
}

TextPlan plan_strides(size_t n_tokens, uint32_t n_ctx, uint32_t stride, uint32_t n_chunks) {
  const uint32_t window = window_of(n_ctx, stride);
  check_length(n_tokens, 2 * uint64_t{window}, n_ctx);
  return {.window = window,
          .step = stride,
          .first_scored = window - stride - 1,
          .n_scored = stride,
          .n_chunk = at_most((n_tokens - window + stride - 1) / stride, n_chunks)};
}

void read_text(Engine& engine, std::span<const TokenId> tokens, const TextPlan& plan,
               const std::function<void()>& on_step, const OnScored& on_row) {
  WATTLE_ASSERT(tokens.size() >= uint64_t{plan.n_chunk - 1} * plan.step + plan.window);
  const std::vector<TokenId> bos = engine.tokenize("", {});
  const auto sequence = engine.new_raw_sequence();
  std::vector<TokenId> piece;
  for (uint32_t chunk = 0; chunk < plan.n_chunk; ++chunk) {
    const auto text = tokens.subspan(size_t{chunk} * plan.step, plan.window);
    // What follows the last token of a piece is not part of it.
    piece.assign(text.begin(), text.begin() + plan.first_scored + plan.n_scored);
    if (plan.starts_with_bos && !bos.empty()) piece.front() = bos.front();
    sequence->truncate(0);
    const auto context = std::span(piece).first(plan.first_scored);
    for (size_t begin = 0; begin < context.size(); begin += kFeedStep) {
      on_step();
      sequence->feed(context.subspan(begin, std::min(kFeedStep, context.size() - begin)),
                     RawSequence::Want::none, {});
    }
    uint32_t row = 0;
    sequence->feed(std::span(piece).subspan(plan.first_scored), RawSequence::Want::all,
                   [&](std::span<const float> logits) {
                     on_step();
                     on_row(chunk, row, logits, text[plan.first_scored + row + 1]);
                     ++row;
                   });
  }
}

}  // namespace wattle::measure
