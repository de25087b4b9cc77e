// SPDX-License-Identifier: Apache-2.0
// The classes of characters that the pre-tokenisers of byte-level BPE tell apart.
#pragma once

#include <cstdint>

namespace wattle::tokenizer {

enum class CharClass : uint8_t {
  letter,  // \p{L}
  number,  // \p{N}
  space,   // \s: the Unicode property White_Space
  other,
};

CharClass char_class(char32_t codepoint) noexcept;

}  // namespace wattle::tokenizer
