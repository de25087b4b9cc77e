// SPDX-License-Identifier: Apache-2.0
// The door `tokenizer`: any vocabulary either makes a tokenizer or gives an Error, and what it
// makes of any text are ids of the vocabulary that stand for the very bytes of that text.
//
// Input: a line "MODEL PRE FLAGS", then one line a token ("1word": its type and text) or merge
// ("Mleft right"), an empty line, and the text. FLAGS: 'p' add_space_prefix, 'b' the first token is
// BOS.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"
#include "wattle/error.h"

namespace {

using wattle::TextSegment;
using wattle::TokenId;
using wattle::Tokenizer;
using wattle::TokenType;
using wattle::VocabSpec;

std::string_view take_until(std::string_view& rest, char end) {
  const size_t at = rest.find(end);
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return part;
}

struct Input {
  VocabSpec spec;
  std::string_view text;
};

void add_token(VocabSpec& spec, std::string_view text, TokenType type) {
  spec.tokens.push_back(text);
  spec.types.push_back(type);
  // Scores that differ, but not all.
  spec.scores.push_back(-static_cast<float>(spec.tokens.size() * 7 % 11));
}

Input parse(std::string_view data) {
  Input input;
  std::string_view head = take_until(data, '\n');
  input.spec.model = take_until(head, ' ');
  input.spec.pre = take_until(head, ' ');
  input.spec.add_space_prefix = head.find('p') != std::string_view::npos;
  while (!data.empty()) {
    const std::string_view line = take_until(data, '\n');
    if (line.empty()) break;
    if (line[0] == 'M') {
      input.spec.merges.push_back(line.substr(1));
    } else if (line[0] >= '0' && line[0] <= '6') {
      add_token(input.spec, line.substr(1), static_cast<TokenType>(line[0] - '0'));
    }
  }
  if (head.find('b') != std::string_view::npos) input.spec.bos = TokenId{0};
  input.text = data;
  return input;
}

// A token for every byte, and for the escaped space, so that no text is lost.
void add_bytes(VocabSpec& spec) {
  static const wattle::tokenizer::ByteAlphabet alphabet;
  static const std::vector<std::string> hex = [] {
    std::vector<std::string> texts;
    for (unsigned byte = 0; byte < 256; ++byte) {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      texts.push_back(std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">");
    }
    return texts;
  }();
  add_token(spec, "\xE2\x96\x81", TokenType::normal);
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (spec.model == "gpt2") {
      add_token(spec, alphabet.character(static_cast<uint8_t>(byte)), TokenType::normal);
    } else {
      add_token(spec, hex[byte], TokenType::byte);
    }
  }
}

std::string bytes_of(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::string bytes;
  for (const TokenId id : ids) {
    if (!tokenizer.contains(id)) std::abort();
    tokenizer.append_bytes(id, bytes);
  }
  return bytes;
}

void check(const Tokenizer& tokenizer, std::string_view text) {
  // U+2581 reads as a space, and a prefix is text that was not there.
  const bool lossless =
      !tokenizer.adds_space_prefix() && text.find("\xE2\x96\x81") == std::string_view::npos;
  for (const bool parse_special : {false, true}) {
    const auto ids = tokenizer.encode(text, {.add_bos = false, .parse_special = parse_special});
    if (lossless && bytes_of(tokenizer, ids) != text) std::abort();
    for (const TokenId id : ids) {
      if (!parse_special && tokenizer.is_control(id)) std::abort();
    }
  }
  const size_t half = text.size() / 2;
  const std::vector<TextSegment> segments{{std::string(text.substr(0, half)), false},
                                          {std::string(text.substr(half)), true}};
  const auto ids = tokenizer.encode(segments, false);
  if (lossless && bytes_of(tokenizer, ids) != text) std::abort();
  const std::vector<TextSegment> content{{std::string(text), false}};
  for (const TokenId id : tokenizer.encode(content, false)) {
    if (tokenizer.is_control(id)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input = parse({reinterpret_cast<const char*>(data), size});
  add_bytes(input.spec);
  try {
    check(Tokenizer(std::move(input.spec)), input.text);
  } catch (const wattle::Error&) {
  }
  return 0;
}
