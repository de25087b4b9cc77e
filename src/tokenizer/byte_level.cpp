// SPDX-License-Identifier: Apache-2.0
// Byte-level BPE, as in GPT-2, Llama 3, Qwen and SmolLM: text is cut into words, each word is spelt
// in the byte alphabet, and ranked merges build tokens inside it.
#include <fmt/format.h>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/byte_tokens.h"
#include "tokenizer/family.h"
#include "tokenizer/merge_loop.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/token_index.h"
#include "wattle/error.h"

namespace wattle::tokenizer {
namespace {

class ByteLevel final : public Family {
 public:
  ByteLevel(const VocabSpec& spec, std::span<const TokenType> types, uint64_t seed,
            PreTokenizer pre)
      : index_(spec.tokens, types, seed, /*user_defined=*/false),
        merges_(spec.merges, seed),
        bytes_(std::nullopt),
        pre_(pre) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      const auto id = index_.find(alphabet_.character(static_cast<uint8_t>(byte)));
      if (id) bytes_.set(static_cast<uint8_t>(byte), *id);
    }
  }

  void encode(std::string_view text, std::vector<TokenId>& out) const override {
    const auto rank_of = [&](std::string_view pair, size_t left_size_bytes) {
      return merges_.rank(pair, left_size_bytes);
    };
    std::string bytes;
    const auto on_symbol = [&](std::string_view symbol) {
      if (const std::optional<TokenId> id = index_.find(symbol)) {
        out.push_back(*id);
        return;
      }
      bytes.clear();
      alphabet_.append_bytes(bytes, symbol);
      bytes_.encode(bytes, out);
    };

    MergeLoop loop;
    std::string spelling;
    while (!text.empty()) {
      const std::string_view word = text.substr(0, first_word_size(pre_, text));
      text.remove_prefix(word.size());
      spelling.clear();
      alphabet_.append_spelling(spelling, word);
      // Llama 3: a word that is a token is not merged at all.
      if (pre_ == PreTokenizer::llama_bpe) {
        if (const std::optional<TokenId> id = index_.find(spelling)) {
          out.push_back(*id);
          continue;
        }
      }
      loop.run(spelling, rank_of, on_symbol);
    }
  }

  void append_bytes(std::string_view token, TokenType type, std::string& out) const override {
    if (type == TokenType::user_defined) {
      out += token;  // spelt in plain text
    } else {
      alphabet_.append_bytes(out, token);
    }
  }

  bool adds_bos(std::optional<bool> wish) const noexcept override {
    return wish.value_or(pre_ == PreTokenizer::llama_bpe);
  }

 private:
  ByteAlphabet alphabet_;
  TokenIndex index_;
  MergeTable merges_;
  ByteTokens bytes_;
  PreTokenizer pre_;
};

}  // namespace

std::unique_ptr<Family> make_byte_level(const VocabSpec& spec, std::span<const TokenType> types,
                                        uint64_t seed) {
  const std::optional<PreTokenizer> pre = pre_tokenizer_from_name(spec.pre);
  if (spec.pre.empty()) {
    throw Error(ErrorCode::unsupported,
                "tokenizer.ggml.pre is missing: how this vocabulary cuts words is not known",
                "the file is older than this key; convert the model anew");
  }
  if (!pre) {
    throw Error(
        ErrorCode::unsupported, fmt::format("tokenizer.ggml.pre '{}' is not supported", spec.pre),
        fmt::format("supported with tokenizer.ggml.model 'gpt2': {}", pre_tokenizer_names()));
  }
  return std::make_unique<ByteLevel>(spec, types, seed, *pre);
}

}  // namespace wattle::tokenizer
