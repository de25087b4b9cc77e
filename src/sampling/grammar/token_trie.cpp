// SPDX-License-Identifier: Apache-2.0
#include "sampling/grammar/token_trie.h"

#include <fmt/format.h>

#include <algorithm>

#include "wattle/error.h"

namespace wattle::grammar {

TokenTrie::TokenTrie(std::span<const std::string> pieces) : n_vocab_(pieces.size()) {
  uint64_t n_bytes = 0;
  for (const std::string& piece : pieces) n_bytes += piece.size();
  if (n_bytes > UINT32_MAX) {
    throw Error(ErrorCode::unsupported,
                fmt::format("the tokens of the vocabulary have {} bytes, expected at most {}",
                            n_bytes, UINT32_MAX));
  }
  bytes_.reserve(n_bytes);
  begin_.reserve(n_vocab_ + 1);
  for (size_t i = 0; i < n_vocab_; ++i) {
    begin_.push_back(static_cast<uint32_t>(bytes_.size()));
    bytes_ += pieces[i];
    if (!pieces[i].empty()) ids_.push_back(TokenId(static_cast<int32_t>(i)));
  }
  begin_.push_back(static_cast<uint32_t>(bytes_.size()));
  std::stable_sort(ids_.begin(), ids_.end(),
                   [&](TokenId a, TokenId b) { return bytes(a) < bytes(b); });

  std::vector<uint32_t> path;  // nodes from the root to the token before
  std::string_view before;
  const auto close = [&](size_t depth) {
    for (; path.size() > depth; path.pop_back()) {
      nodes_[path.back()].skip = static_cast<uint32_t>(nodes_.size());
    }
  };
  for (uint32_t i = 0; i < ids_.size(); ++i) {
    const std::string_view token = bytes(ids_[i]);
    const auto common = static_cast<size_t>(
        std::mismatch(before.begin(), before.end(), token.begin(), token.end()).first -
        before.begin());
    close(common);
    for (size_t d = common; d < token.size(); ++d) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({.depth = static_cast<uint32_t>(d + 1),
                        .skip = 0,
                        .ids_end = i,
                        .byte = static_cast<uint8_t>(token[d])});
    }
    // The node of the token is the last one: equal tokens are neighbours.
    nodes_.back().ids_end = i + 1;
    max_depth_ = std::max(max_depth_, static_cast<uint32_t>(token.size()));
    before = token;
  }
  close(0);
}

}  // namespace wattle::grammar
