// SPDX-License-Identifier: Apache-2.0
#include "runtime/vocab_loader.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "wattle/error.h"

namespace wattle {
namespace {

std::string key_of(std::string_view name) { return fmt::format("tokenizer.ggml.{}", name); }

// Nothing where the key is absent or holds -1, as converters write it for "there is none".
std::optional<TokenId> find_id(const gguf::File& file, std::string_view name) {
  const std::string key = key_of(name);
  const auto id = file.metadata().find<int64_t>(key);
  if (!id || *id == -1 || *id == UINT32_MAX) return std::nullopt;
  if (*id < 0 || *id > INT32_MAX) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: key '{}': {} is no token id", file.name(), key, *id));
  }
  return TokenId{static_cast<int32_t>(*id)};
}

std::vector<TokenType> load_types(const gguf::File& file) {
  const std::string key = key_of("token_type");
  const auto numbers = file.metadata().find_array<int32_t>(key);
  std::vector<TokenType> types;
  if (!numbers) return types;
  types.reserve(numbers->size());
  for (size_t i = 0; i < numbers->size(); ++i) {
    const int32_t number = (*numbers)[i];
    if (number < 0 || number > static_cast<int32_t>(TokenType::byte)) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: key '{}': element {} is {}, expected 0 to 6", file.name(), key,
                              i, number));
    }
    types.push_back(static_cast<TokenType>(number));
  }
  return types;
}

// SentencePiece's own numbers, for files that leave the keys out.
void set_llama_ids(VocabSpec& spec) {
  if (spec.tokens.size() < 3) return;
  if (!spec.unk) spec.unk = TokenId{0};
  if (!spec.bos) spec.bos = TokenId{1};
  if (!spec.eos) spec.eos = TokenId{2};
}

}  // namespace

VocabSpec load_vocab(const gguf::File& file) {
  const gguf::Metadata& keys = file.metadata();
  VocabSpec spec;
  spec.model = keys.get<std::string_view>(key_of("model"));
  spec.pre = keys.find<std::string_view>(key_of("pre")).value_or("");
  spec.tokens = keys.get_array<std::string_view>(key_of("tokens"));
  spec.types = load_types(file);
  const bool has_merges = spec.model == "gemma4" || spec.model == "gpt2";
  if (has_merges) {
    spec.merges = keys.get_array<std::string_view>(key_of("merges"));
  } else {
    spec.scores = keys.find_array<float>(key_of("scores")).value_or(std::vector<float>{});
  }
  spec.bos = find_id(file, "bos_token_id");
  spec.eos = find_id(file, "eos_token_id");
  spec.eot = find_id(file, "eot_token_id");
  spec.eom = find_id(file, "eom_token_id");
  spec.unk = find_id(file, "unknown_token_id");
  if (spec.model == "llama") set_llama_ids(spec);
  spec.add_bos = keys.find<bool>(key_of("add_bos_token"));
  spec.add_eos = keys.find<bool>(key_of("add_eos_token"));
  spec.add_space_prefix = keys.find<bool>(key_of("add_space_prefix"));
  return spec;
}

Tokenizer load_tokenizer(const gguf::File& file) {
  VocabSpec spec = load_vocab(file);
  try {
    return Tokenizer(std::move(spec));
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("{}: {}", file.name(), e.what()), e.hint());
  }
}

}  // namespace wattle
