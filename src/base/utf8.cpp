// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include "base/assert.h"

namespace wattle::utf8 {
namespace {

constexpr auto byte_at(std::string_view text, size_t i) noexcept {
  return static_cast<unsigned char>(text[i]);
}

constexpr bool is_continuation(unsigned char byte) noexcept { return (byte & 0xC0) == 0x80; }

}  // namespace

// Table 3-7 of the Unicode standard: the second byte is where overlong forms, surrogates and
// values above U+10FFFF are told from characters.
Decoded detail::decode_multibyte(std::string_view text) noexcept {
  const unsigned char lead = byte_at(text, 0);
  uint8_t size;
  char32_t codepoint;
  unsigned char second_min = 0x80;
  unsigned char second_max = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    size = 2;
    codepoint = lead & 0x1F;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    size = 3;
    codepoint = lead & 0x0F;
    if (lead == 0xE0) second_min = 0xA0;
    if (lead == 0xED) second_max = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    size = 4;
    codepoint = lead & 0x07;
    if (lead == 0xF0) second_min = 0x90;
    if (lead == 0xF4) second_max = 0x8F;
  } else {
    return {kReplacement, 1, Status::invalid};
  }
  for (uint8_t i = 1; i < size; ++i) {
    if (i == text.size()) return {kReplacement, i, Status::incomplete};
    const unsigned char byte = byte_at(text, i);
    const bool ok = i == 1 ? byte >= second_min && byte <= second_max : is_continuation(byte);
    if (!ok) return {kReplacement, i, Status::invalid};
    codepoint = (codepoint << 6) | (byte & 0x3F);
  }
  return {codepoint, size, Status::ok};
}

bool is_valid(std::string_view text) noexcept {
  while (!text.empty()) {
    const Decoded c = decode(text);
    if (c.status != Status::ok) return false;
    text.remove_prefix(c.size_bytes);
  }
  return true;
}

void append(std::string& out, char32_t codepoint) {
  WATTLE_ASSERT(codepoint <= 0x10FFFF && (codepoint < 0xD800 || codepoint > 0xDFFF));
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | ((codepoint >> shift) & 0x3F)));
  };
  if (codepoint < 0x80) {
    out.push_back(static_cast<char>(codepoint));
  } else if (codepoint < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (codepoint >> 6)));
    tail(0);
  } else if (codepoint < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (codepoint >> 12)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | (codepoint >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

size_t whole_prefix(std::string_view text) noexcept {
  // Only the last three bytes can begin a character that is not complete yet.
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const std::string_view tail = text.substr(text.size() - back);
    if (is_continuation(byte_at(tail, 0))) continue;
    const Decoded c = decode(tail);
    const bool cut = c.status == Status::incomplete && c.size_bytes == back;
    return cut ? text.size() - back : text.size();
  }
  return text.size();
}

void append_sanitized(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const Decoded c = decode(text);
    if (c.status == Status::ok) {
      out.append(text.substr(0, c.size_bytes));
    } else {
      append(out, kReplacement);
    }
    text.remove_prefix(c.size_bytes);
  }
}

}  // namespace wattle::utf8
