// SPDX-License-Identifier: Apache-2.0
// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wattle::utf8 {

inline constexpr char32_t kReplacement = U'\uFFFD';

enum class Status : uint8_t {
  ok,
  invalid,     // these bytes begin no character, whatever follows
  incomplete,  // the text ends inside a character that more bytes could complete
};

struct Decoded {
  char32_t codepoint;  // kReplacement unless ok
  uint8_t size_bytes;  // 1..4; of a malformed sequence its longest well-formed beginning (at least
                       // 1), so that one U+FFFD stands for it as the Unicode standard recommends
  Status status;
};

namespace detail {
Decoded decode_multibyte(std::string_view text) noexcept;
}

// The character at the start of `text`, which must not be empty.
inline Decoded decode(std::string_view text) noexcept {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1, Status::ok};
  return detail::decode_multibyte(text);
}

bool is_valid(std::string_view text) noexcept;

// Appends the character. `codepoint` must be a Unicode scalar value.
void append(std::string& out, char32_t codepoint);

// Length of the longest prefix of `text` that does not end inside a character: what may be shown
// now when more bytes will follow. Invalid bytes count as whole characters.
size_t whole_prefix(std::string_view text) noexcept;

// Appends `text` with each malformed sequence replaced by U+FFFD.
void append_sanitized(std::string& out, std::string_view text);

}  // namespace wattle::utf8
