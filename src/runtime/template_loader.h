// SPDX-License-Identifier: Apache-2.0
// The chat template of a GGUF file, and the token texts that it may ask for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf/reader.h"
#include "tokenizer/vocab_spec.h"

namespace wattle {

// The key tokenizer.chat_template, as long as the file is mapped. Nothing where the file has none.
std::optional<std::string_view> find_chat_template(const gguf::File& file);

// Names and texts of bos_token, eos_token, unk_token and pad_token, those that the file has. vocab:
// what load_vocab read from it.
// Throws Error{bad_input} for an id beyond the vocabulary.
std::vector<std::pair<std::string, std::string>> template_special_tokens(const gguf::File& file,
                                                                         const VocabSpec& vocab);

}  // namespace wattle
