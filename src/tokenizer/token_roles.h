// SPDX-License-Identifier: Apache-2.0
// What the tokens of a vocabulary are for. Files get the types of their special tokens wrong in
// many ways, so the well-known ones go by their text.
#pragma once

#include <vector>

#include "tokenizer/vocab_spec.h"
#include "wattle/token.h"

namespace wattle::tokenizer {

struct TokenRoles {
  std::vector<TokenType> types;  // [n_vocab], corrected
  std::vector<TokenId> eog;      // end of generation: ascending, no doubles; all of type control
};

// eog: the ids eos, eot and eom of the file, and every token with one of the texts that end a turn
// in the families we know. "</s>" ends one only where the file calls it a control token: it is also
// the HTML tag of Gemma 3 and a word of Qwen 2.
TokenRoles assign_roles(const VocabSpec& spec);

}  // namespace wattle::tokenizer
