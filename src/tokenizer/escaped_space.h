// SPDX-License-Identifier: Apache-2.0
// SentencePiece writes a space as U+2581 inside its tokens, and a lone byte as "<0x0A>". Gemma 4
// kept both.
#pragma once

#include <string>
#include <string_view>

#include "tokenizer/vocab_spec.h"

namespace wattle::tokenizer {

inline constexpr std::string_view kEscapedSpace = "\xE2\x96\x81";

// Appends `text` with every space escaped.
void append_escaped(std::string& out, std::string_view text);

// Appends the bytes that a token stands for: spaces unescaped, a byte token as its byte.
void append_unescaped(std::string& out, std::string_view token, TokenType type);

}  // namespace wattle::tokenizer
