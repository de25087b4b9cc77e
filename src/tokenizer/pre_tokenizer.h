// SPDX-License-Identifier: Apache-2.0
// How byte-level BPE cuts text into words before it merges: merges never cross a word. The rules
// are regular expressions by origin; here each is a scanner over characters, which takes linear
// time on any text, and the test holds it to the expression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wattle::tokenizer {

enum class PreTokenizer : uint8_t { llama_bpe, qwen2, gpt2, smollm };

// By the value of tokenizer.ggml.pre.
std::optional<PreTokenizer> pre_tokenizer_from_name(std::string_view name) noexcept;

// All names, for the message that refuses another.
std::string pre_tokenizer_names();

// Size of the first word of `text`, which must not be empty; at least one character. A malformed
// byte sequence counts as a character that is no letter, number or space.
size_t first_word_size(PreTokenizer rule, std::string_view text) noexcept;

}  // namespace wattle::tokenizer
