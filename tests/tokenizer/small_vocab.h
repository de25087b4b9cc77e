// SPDX-License-Identifier: Apache-2.0
// Vocabularies small enough to read: the tests' own, one per family.
#pragma once

#include <array>
#include <cstdio>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/vocab_spec.h"
#include "wattle/token.h"

namespace wattle::test {

// Builds a spec and owns its texts, so it must outlive the tokenizers made of the spec.
class SmallVocab {
 public:
  explicit SmallVocab(std::string_view model, std::string_view pre = "") {
    spec_.model = model;
    spec_.pre = pre;
  }
  SmallVocab(const SmallVocab&) = delete;
  SmallVocab& operator=(const SmallVocab&) = delete;

  TokenId add(std::string_view text, TokenType type = TokenType::normal, float score = 0) {
    spec_.tokens.push_back(own(std::string(text)));
    spec_.types.push_back(type);
    spec_.scores.push_back(score);
    return TokenId{static_cast<int32_t>(spec_.tokens.size()) - 1};
  }

  void merge(std::string_view pair) { spec_.merges.push_back(own(std::string(pair))); }

  // "<0x00>".."<0xFF>"
  void add_byte_tokens() {
    for (unsigned byte = 0; byte < 256; ++byte) {
      char text[7];
      std::snprintf(text, sizeof text, "<0x%02X>", byte);
      add(text, TokenType::byte);
    }
  }

  // One token per letter of the byte alphabet.
  void add_byte_alphabet() {
    const tokenizer::ByteAlphabet alphabet;
    for (unsigned byte = 0; byte < 256; ++byte) {
      add(alphabet.character(static_cast<uint8_t>(byte)));
    }
  }

  VocabSpec& spec() { return spec_; }

 private:
  std::string_view own(std::string text) { return texts_.emplace_back(std::move(text)); }

  std::deque<std::string> texts_;  // stay where they are
  VocabSpec spec_;
};

// SentencePiece: <unk> 0, <s> 1, </s> 2, bytes 3..258, then words.
inline void fill_sentencepiece(SmallVocab& v) {
  v.spec().unk = v.add("<unk>", TokenType::unknown);
  v.spec().bos = v.add("<s>", TokenType::control);
  v.spec().eos = v.add("</s>", TokenType::control);
  v.add_byte_tokens();
  for (const std::string_view c : {"▁", "a", "b", "c", "<", ">", "/", "s"}) {
    v.add(c, TokenType::normal, -100);
  }
  v.add("ab", TokenType::normal, -1);
  v.add("bc", TokenType::normal, -2);
  v.add("▁a", TokenType::normal, -3);
  v.add("▁ab", TokenType::normal, -4);
  v.add("<s", TokenType::normal, -5);
}

// Byte-level: letters 0..255, <|end|> 256 and <|start|> 257 of type control, <call> 258
// user-defined, then merged words.
inline void fill_byte_level(SmallVocab& v) {
  v.add_byte_alphabet();
  v.spec().eos = v.add("<|end|>", TokenType::control);
  v.spec().bos = v.add("<|start|>", TokenType::control);
  v.add("<call>", TokenType::user_defined);
  v.merge("h e");
  v.merge("l l");
  v.merge("he ll");
  v.merge("hell o");
  v.merge("Ġ hello");
  for (const std::string_view word : {"he", "ll", "hell", "hello", "Ġhello"}) v.add(word);
}

// Gemma 4: <pad> 0, <eos> 1, <bos> 2, bytes 3..258, <|turn> 259, <turn|> 260, <|tool_call> 261
// user-defined, then characters and words.
inline void fill_gemma4(SmallVocab& v) {
  v.add("<pad>", TokenType::control);
  v.spec().eos = v.add("<eos>", TokenType::control);
  v.spec().bos = v.add("<bos>", TokenType::control);
  v.add_byte_tokens();
  v.add("<|turn>", TokenType::control);
  v.add("<turn|>", TokenType::control);
  v.add("<|tool_call>", TokenType::user_defined);
  for (const std::string_view c : {"▁", "h", "i", "\n", "\n\n", "hi", "▁hi"}) v.add(c);
  v.merge("h i");
  v.merge("▁ hi");
}

inline std::vector<int> ints(const std::vector<TokenId>& ids) {
  std::vector<int> out;
  for (const TokenId id : ids) out.push_back(to_int(id));
  return out;
}

}  // namespace wattle::test
