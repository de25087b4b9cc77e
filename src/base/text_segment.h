// SPDX-License-Identifier: Apache-2.0
// A piece of a prompt, and whether it may hold control tokens.
#pragma once

#include <string>

namespace wattle {

// chat makes them, tokenizer reads them. The prompt is the concatenation of its segments; a border
// between two of them is no border between tokens: ordinary text runs on across it, and only which
// control tokens are recognised depends on it.
// control: the text was written by the chat template, so "<|im_start|>" in it is the control token
// (all of its characters must lie in control text).
// Text that came in with a message is not: there the same characters are ordinary text, and a user
// cannot forge a turn.
struct TextSegment {
  std::string text;
  bool control = false;

  bool operator==(const TextSegment&) const = default;
};

}  // namespace wattle
