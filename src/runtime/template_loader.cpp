// SPDX-License-Identifier: Apache-2.0
#include "runtime/template_loader.h"

#include <fmt/format.h>

#include "wattle/error.h"

namespace wattle {

std::optional<std::string_view> find_chat_template(const gguf::File& file) {
  return file.metadata().find<std::string_view>("tokenizer.chat_template");
}

std::vector<std::pair<std::string, std::string>> template_special_tokens(const gguf::File& file,
                                                                         const VocabSpec& vocab) {
  std::vector<std::pair<std::string, std::string>> texts;
  const auto add = [&](const char* name, std::optional<int64_t> id) {
    if (!id || *id == -1 || *id == UINT32_MAX) return;
    if (*id < 0 || static_cast<uint64_t>(*id) >= vocab.tokens.size()) {
      throw Error(ErrorCode::bad_input, fmt::format("{}: {} is id {}, expected below {} (n_vocab)",
                                                    file.name(), name, *id, vocab.tokens.size()));
    }
    texts.emplace_back(name, vocab.tokens[static_cast<size_t>(*id)]);
  };
  const auto number = [](std::optional<TokenId> id) {
    return id ? std::optional<int64_t>(to_int(*id)) : std::nullopt;
  };
  add("bos_token", number(vocab.bos));
  add("eos_token", number(vocab.eos));
  add("unk_token", number(vocab.unk));
  add("pad_token", file.metadata().find<int64_t>("tokenizer.ggml.padding_token_id"));
  return texts;
}

}  // namespace wattle
