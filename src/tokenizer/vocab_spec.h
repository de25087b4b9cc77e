// SPDX-License-Identifier: Apache-2.0
// Everything a tokenizer is made of, wherever it came from: the metadata of a GGUF file
// (runtime/vocab_loader.h) or a test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wattle/token.h"

namespace wattle {

// The numbers are those of the key tokenizer.ggml.token_type.
enum class TokenType : uint8_t {
  undefined = 0,
  normal = 1,
  unknown = 2,
  control = 3,       // steers the model, is no text
  user_defined = 4,  // text that is cut out whole before anything else is tokenised
  unused = 5,
  byte = 6,  // "<0x0A>": a byte that no other token covers
};

// The texts are borrowed, in practice from the mapped file: their bytes must outlive the spec and
// the tokenizer made of it.
struct VocabSpec {
  std::string model;  // tokenizer.ggml.model: "llama", "gemma4", "gpt2"
  std::string pre;    // tokenizer.ggml.pre: how "gpt2" cuts text into words

  std::vector<std::string_view> tokens;  // [n_vocab], the index is the id
  std::vector<float> scores;             // [n_vocab], higher merges first; only "llama" needs them
  std::vector<TokenType> types;          // [n_vocab], or empty: normal, or byte by their form
  std::vector<std::string_view> merges;  // "left right", first merges first; "gemma4" and "gpt2"

  std::optional<TokenId> bos, eos, eot, eom, unk;
  std::optional<bool> add_bos;           // absent: the default of the model
  std::optional<bool> add_eos;           // to texts that are embedded
  std::optional<bool> add_space_prefix;  // absent: the default of the model
};

}  // namespace wattle
