// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/byte_alphabet.h"

#include <algorithm>

#include "base/utf8.h"

namespace wattle::tokenizer {
namespace {

constexpr bool stands_for_itself(unsigned byte) noexcept {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

}  // namespace

ByteAlphabet::ByteAlphabet() {
  byte_of_.fill(-1);
  char32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char32_t codepoint = stands_for_itself(byte) ? byte : next++;
    std::string utf8;
    utf8::append(utf8, codepoint);
    std::ranges::copy(utf8, utf8_[byte].begin());
    size_bytes_[byte] = static_cast<uint8_t>(utf8.size());
    byte_of_[codepoint] = static_cast<int16_t>(byte);
  }
}

void ByteAlphabet::append_spelling(std::string& out, std::string_view bytes) const {
  for (const char c : bytes) out += character(static_cast<uint8_t>(c));
}

void ByteAlphabet::append_bytes(std::string& out, std::string_view spelling) const {
  while (!spelling.empty()) {
    const utf8::Decoded c = utf8::decode(spelling);
    const bool in_alphabet = c.codepoint < byte_of_.size() && byte_of_[c.codepoint] >= 0;
    if (in_alphabet) {
      out.push_back(static_cast<char>(byte_of_[c.codepoint]));
    } else {
      out += spelling.substr(0, c.size_bytes);
    }
    spelling.remove_prefix(c.size_bytes);
  }
}

}  // namespace wattle::tokenizer
