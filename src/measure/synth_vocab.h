// SPDX-License-Identifier: Apache-2.0
// A vocabulary for a model that never learnt a language: valid, of the right size, and easy to know
// for what it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gguf/writer.h"

namespace wattle::measure {

// Sets the keys tokenizer.* for the tokenizer that models of `arch` have: its special tokens, a
// token for every byte and character of ASCII, and for the rest of n_vocab invented words of two or
// three syllables ("bakule"), each with the merge that builds it, so that loading takes what a real
// vocabulary of the size takes. Text of any kind can be tokenised, if less densely than a real
// vocabulary would. A chat template goes with it. n_vocab is at least kMinSynthVocab.
void set_synth_vocab(gguf::Writer& writer, std::string_view arch, uint32_t n_vocab);

inline constexpr uint32_t kMinSynthVocab = 1024;

}  // namespace wattle::measure
