// SPDX-License-Identifier: Apache-2.0
// Finds the tokens that are cut out of a text whole, before anything else looks at it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "wattle/token.h"

namespace wattle::tokenizer {

// A set of token texts that is asked for the longest one at a position. Of equal texts the lowest
// id counts. Borrows the texts.
class SpecialMatcher {
 public:
  struct Entry {
    std::string_view text;
    TokenId id;
  };
  struct Match {
    TokenId id;
    size_t size_bytes;
  };

  SpecialMatcher() = default;
  explicit SpecialMatcher(std::vector<Entry> entries);  // texts not empty

  // The longest token that `text` begins with. Takes at most as many steps as the longest token
  // has bytes.
  std::optional<Match> match(std::string_view text) const noexcept;

 private:
  std::vector<Entry> entries_;  // by text
  // entries_[first_[b] .. first_[b + 1]) begin with the byte b.
  std::array<uint32_t, 257> first_{};
};

}  // namespace wattle::tokenizer
