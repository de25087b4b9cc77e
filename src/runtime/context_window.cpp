// SPDX-License-Identifier: Apache-2.0
#include "runtime/context_window.h"

#include <fmt/format.h>

#include <algorithm>

#include "wattle/error.h"

namespace wattle::runtime {

ContextWindow::ContextWindow(uint32_t n_ctx, const std::optional<ContextShift>& shift,
                             bool keeps_bos)
    : n_ctx_(n_ctx), shifts_(shift.has_value()) {
  if (!shifts_) return;
  n_keep_ = std::max(shift->n_keep, keeps_bos ? 1u : 0u);
  if (n_keep_ + 2 > n_ctx_) {
    throw Error(ErrorCode::usage,
                fmt::format("{} tokens are to be kept of a context of {}, expected at most {}",
                            n_keep_, n_ctx_, n_ctx_ < 2 ? 0 : n_ctx_ - 2),
                "keep fewer (--keep), or ask for a longer context with -c");
  }
}

size_t ContextWindow::n_forgotten(size_t n_tokens) const noexcept {
  if (!shifts_ || n_tokens <= n_ctx_) return 0;
  const size_t step = (n_ctx_ - n_keep_) / 2;
  return (n_tokens - n_ctx_ + step - 1) / step * step;
}

std::vector<TokenId> ContextWindow::view(std::span<const TokenId> text) const {
  if (text.size() > n_ctx_ && !shifts_) {
    throw Error(
        ErrorCode::usage,
        fmt::format("the prompt has {} tokens, but the context holds only {}", text.size(), n_ctx_),
        "shorten it, ask for a longer context with -c, or let its beginning be forgotten "
        "(--context-shift)");
  }
  const size_t n_forgotten_here = n_forgotten(text.size());
  const size_t n_keep = n_forgotten_here == 0 ? 0 : n_keep_;
  std::vector<TokenId> view(text.begin(), text.begin() + static_cast<ptrdiff_t>(n_keep));
  const auto rest = text.subspan(n_keep + n_forgotten_here);
  view.insert(view.end(), rest.begin(), rest.end());
  return view;
}

}  // namespace wattle::runtime
