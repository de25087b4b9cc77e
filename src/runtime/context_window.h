// SPDX-License-Identifier: Apache-2.0
// Which tokens of a text of any length are in the context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "wattle/engine.h"
#include "wattle/token.h"

namespace wattle::runtime {

// Of a text that is too long, the first n_keep tokens stay and the oldest of the others are
// forgotten, half of their room at a time. What is forgotten depends on the length alone, so that a
// text that grows by some tokens mostly begins as before, and the cache is of use.
class ContextWindow {
 public:
  // Throws Error{usage} where n_keep leaves no room for anything else.
  ContextWindow(uint32_t n_ctx, const std::optional<ContextShift>& shift, bool keeps_bos);

  // 0 without a shift.
  size_t n_forgotten(size_t n_tokens) const noexcept;

  // At most n_ctx tokens. Throws Error{usage} where the text is longer and there is no shift.
  std::vector<TokenId> view(std::span<const TokenId> text) const;

 private:
  size_t n_ctx_;
  bool shifts_;
  size_t n_keep_ = 0;
};

}  // namespace wattle::runtime
