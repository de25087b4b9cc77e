// SPDX-License-Identifier: Apache-2.0
// The tokenizer of a GGUF file: its keys tokenizer.ggml.*.
#pragma once

#include "gguf/reader.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/vocab_spec.h"

namespace wattle {

// Reads the keys. Borrows the texts from `file`, which needs no tensors.
// Throws Error{bad_input} naming file and key.
VocabSpec load_vocab(const gguf::File& file);

// Makes the tokenizer of the file. Borrows the texts from `file`.
// Throws as Tokenizer does, the file's name put in front.
Tokenizer load_tokenizer(const gguf::File& file);

}  // namespace wattle
