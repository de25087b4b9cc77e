// SPDX-License-Identifier: Apache-2.0
// The door `stream_decoder`: whatever tokens come, each piece is whole UTF-8, and together they are
// what decoding all bytes at once gives. Input: one byte a token; 0xFF is a control token.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer.h"

namespace {

using wattle::StreamDecoder;
using wattle::TokenId;
using wattle::Tokenizer;
using wattle::TokenType;

constexpr uint8_t kControl = 0xFF;

// Token i stands for the byte i, but for the last one.
Tokenizer make_tokenizer() {
  static const wattle::tokenizer::ByteAlphabet alphabet;
  wattle::VocabSpec spec;
  spec.model = "gpt2";
  spec.pre = "gpt-2";
  for (unsigned byte = 0; byte < 256; ++byte) {
    spec.tokens.push_back(byte == kControl ? "<|end|>"
                                           : alphabet.character(static_cast<uint8_t>(byte)));
    spec.types.push_back(byte == kControl ? TokenType::control : TokenType::normal);
  }
  return Tokenizer(std::move(spec));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Tokenizer tokenizer = make_tokenizer();
  StreamDecoder decoder(tokenizer);
  std::string text;
  std::string expected;
  std::string bytes;  // since the last control token
  for (size_t i = 0; i < size; ++i) {
    const std::string_view piece = decoder.push(TokenId{data[i]});
    if (!wattle::utf8::is_valid(piece)) std::abort();
    text += piece;
    if (data[i] != kControl) {
      bytes += static_cast<char>(data[i]);
    } else {
      wattle::utf8::append_sanitized(expected, bytes);
      bytes.clear();
    }
  }
  text += decoder.finish();
  wattle::utf8::append_sanitized(expected, bytes);
  if (text != expected) std::abort();
  return 0;
}
