// SPDX-License-Identifier: Apache-2.0
#include "runtime/stop_texts.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "wattle/error.h"

namespace wattle::runtime {
namespace {

std::vector<size_t> borders_of(std::string_view text) {
  std::vector<size_t> border(text.size(), 0);
  for (size_t i = 1, n = 0; i < text.size(); ++i) {
    while (n > 0 && text[i] != text[n]) n = border[n - 1];
    if (text[i] == text[n]) ++n;
    border[i] = n;
  }
  return border;
}

}  // namespace

StopTexts::StopTexts(std::vector<std::string> texts) {
  for (std::string& text : texts) {
    if (text.empty()) throw Error(ErrorCode::usage, "a stop text is empty", "leave it out");
    if (!utf8::is_valid(text)) {
      throw Error(ErrorCode::usage, "a stop text is not valid UTF-8", "pass it as UTF-8");
    }
    std::vector<size_t> border = borders_of(text);
    patterns_.push_back({std::move(text), std::move(border)});
  }
}

std::string_view StopTexts::feed(std::string_view piece) {
  out_.clear();
  if (found_) return out_;
  for (size_t i = 0; i < piece.size(); ++i) {
    held_ += piece[i];
    size_t longest = 0;
    for (Pattern& p : patterns_) {
      while (p.n_matched > 0 && p.text[p.n_matched] != piece[i]) {
        p.n_matched = p.border[p.n_matched - 1];
      }
      if (p.text[p.n_matched] == piece[i]) ++p.n_matched;
      if (p.n_matched == p.text.size()) longest = std::max(longest, p.text.size());
    }
    if (longest > 0) {
      found_ = true;
      held_.resize(held_.size() - longest);
      break;
    }
  }
  // Held back: as much as may still become the longest of the stop texts.
  size_t keep = 0;
  if (!found_) {
    for (const Pattern& p : patterns_) keep = std::max(keep, p.n_matched);
  }
  out_.assign(held_, 0, held_.size() - keep);
  held_.erase(0, out_.size());
  return out_;
}

std::string_view StopTexts::finish() {
  out_ = std::exchange(held_, {});
  return out_;
}

}  // namespace wattle::runtime
