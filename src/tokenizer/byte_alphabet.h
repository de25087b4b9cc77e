// SPDX-License-Identifier: Apache-2.0
// GPT-2's alphabet: 256 printable characters, one for each byte, in which byte-level BPE spells its
// tokens. Printable Latin-1 stands for itself, the other 68 bytes are U+0100 and on, in order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wattle::tokenizer {

// The characters as UTF-8, one or two bytes each.
class ByteAlphabet {
 public:
  ByteAlphabet();

  std::string_view character(uint8_t byte) const noexcept {
    return {utf8_[byte].data(), size_bytes_[byte]};
  }

  // Appends the spelling of arbitrary bytes.
  void append_spelling(std::string& out, std::string_view bytes) const;

  // Appends the bytes that a spelling stands for. Characters outside the alphabet (tokens that were
  // added to a vocabulary later are plain text) stand for themselves.
  void append_bytes(std::string& out, std::string_view spelling) const;

 private:
  std::array<std::array<char, 2>, 256> utf8_;
  std::array<uint8_t, 256> size_bytes_;
  std::array<int16_t, 0x144> byte_of_;  // by codepoint; -1: not in the alphabet
};

}  // namespace wattle::tokenizer
