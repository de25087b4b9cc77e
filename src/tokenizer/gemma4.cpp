// SPDX-License-Identifier: Apache-2.0
// Gemma 4: BPE by ranked merges over characters, with SentencePiece's escaped spaces and byte
// tokens. Runs of newlines are cut from the rest, and a whole line is one run of merges.
#include "base/utf8.h"
#include "tokenizer/byte_tokens.h"
#include "tokenizer/escaped_space.h"
#include "tokenizer/family.h"
#include "tokenizer/merge_loop.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/token_index.h"

namespace wattle::tokenizer {
namespace {

// [^\n]+|\n+
size_t run_size(std::string_view text) noexcept {
  const size_t end = text.front() == '\n' ? text.find_first_not_of('\n') : text.find('\n');
  return end == std::string_view::npos ? text.size() : end;
}

class Gemma4 final : public Family {
 public:
  Gemma4(const VocabSpec& spec, std::span<const TokenType> types, uint64_t seed)
      : index_(spec.tokens, types, seed, /*user_defined=*/false),
        merges_(spec.merges, seed),
        bytes_(hex_byte_tokens(spec, types)) {}

  void encode(std::string_view text, std::vector<TokenId>& out) const override {
    std::string escaped;
    append_escaped(escaped, text);

    const auto rank_of = [&](std::string_view pair, size_t left_size_bytes) {
      return merges_.rank(pair, left_size_bytes);
    };
    const auto on_symbol = [&](std::string_view symbol) { append_symbol(symbol, out); };
    MergeLoop loop;
    for (std::string_view rest = escaped; !rest.empty();) {
      const std::string_view run = rest.substr(0, run_size(rest));
      rest.remove_prefix(run.size());
      // The merges would not build every run of newlines that is a token.
      if (run.front() == '\n') {
        if (const std::optional<TokenId> id = index_.find(run)) {
          out.push_back(*id);
          continue;
        }
      }
      loop.run(run, rank_of, on_symbol);
    }
  }

  void append_bytes(std::string_view token, TokenType type, std::string& out) const override {
    append_unescaped(out, token, type);
  }

  // Several packagers wrote false into their files by mistake.
  bool adds_bos(std::optional<bool>) const noexcept override { return true; }

 private:
  // A merge may build what is no token; then its characters count.
  void append_symbol(std::string_view symbol, std::vector<TokenId>& out) const {
    if (const std::optional<TokenId> id = index_.find(symbol)) {
      out.push_back(*id);
      return;
    }
    while (!symbol.empty()) {
      const std::string_view character = symbol.substr(0, utf8::decode(symbol).size_bytes);
      symbol.remove_prefix(character.size());
      if (const std::optional<TokenId> id = index_.find(character)) {
        out.push_back(*id);
      } else {
        bytes_.encode(character, out);
      }
    }
  }

  TokenIndex index_;
  MergeTable merges_;
  ByteTokens bytes_;
};

}  // namespace

std::unique_ptr<Family> make_gemma4(const VocabSpec& spec, std::span<const TokenType> types,
                                    uint64_t seed) {
  return std::make_unique<Gemma4>(spec, types, seed);
}

}  // namespace wattle::tokenizer
