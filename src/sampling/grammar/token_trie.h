// SPDX-License-Identifier: Apache-2.0
// All tokens of a vocabulary as one tree of bytes: what tokens begin with alike is looked at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wattle/token.h"

namespace wattle::grammar {

// Immutable. Takes about 12 bytes for each byte in which two neighbouring tokens differ.
class TokenTrie {
 public:
  // pieces [n_vocab]: the bytes of each token; those without any are not in the tree.
  explicit TokenTrie(std::span<const std::string> pieces);

  size_t n_vocab() const noexcept { return n_vocab_; }
  std::string_view bytes(TokenId id) const noexcept {
    const auto i = static_cast<size_t>(to_int(id));
    return std::string_view(bytes_).substr(begin_[i], begin_[i + 1] - begin_[i]);
  }

  // The tree without its root, parents before their children, siblings in the order of their bytes.
  struct Node {
    uint32_t depth;    // 1: below the root
    uint32_t skip;     // index of the next node that is not below this one
    uint32_t ids_end;  // its tokens are ids()[ids_end of the node before, ids_end)
    uint8_t byte;
  };
  std::span<const Node> nodes() const noexcept { return nodes_; }
  std::span<const TokenId> ids() const noexcept { return ids_; }
  uint32_t max_depth() const noexcept { return max_depth_; }

 private:
  size_t n_vocab_;
  std::string bytes_;
  std::vector<uint32_t> begin_;  // [n_vocab + 1]
  std::vector<Node> nodes_;
  std::vector<TokenId> ids_;
  uint32_t max_depth_ = 0;
};

}  // namespace wattle::grammar
