// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/char_class.h"

#include <utf8proc.h>

#include <array>

namespace wattle::tokenizer {
namespace {

// White_Space of the Unicode Character Database, which the general categories do not tell: it
// includes control characters.
constexpr bool is_white_space(char32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

constexpr CharClass ascii_class(char32_t c) noexcept {
  if (is_white_space(c)) return CharClass::space;
  if (c >= '0' && c <= '9') return CharClass::number;
  if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return CharClass::letter;
  return CharClass::other;
}

constexpr auto kAscii = [] {
  std::array<CharClass, 128> table{};
  for (size_t c = 0; c < table.size(); ++c) table[c] = ascii_class(static_cast<char32_t>(c));
  return table;
}();

}  // namespace

CharClass char_class(char32_t codepoint) noexcept {
  if (codepoint < kAscii.size()) return kAscii[codepoint];
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(codepoint))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return CharClass::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return CharClass::number;
    default: return is_white_space(codepoint) ? CharClass::space : CharClass::other;
  }
}

}  // namespace wattle::tokenizer
