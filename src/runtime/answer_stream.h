// SPDX-License-Identifier: Apache-2.0
// The way of an answer from tokens to the caller: whole characters, then stop texts, then the
// pieces the caller hears.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/stop_texts.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer.h"
#include "wattle/engine.h"

namespace wattle::runtime {

// Borrows the tokenizer and the callback, which may be empty. An exception of the callback comes
// through; the stream is of no use afterwards.
class AnswerStream {
 public:
  // starts_text: the tokens begin a text and do not continue one (tokenizer/stream_decoder.h).
  // Throws Error{usage} for stop texts that are none.
  AnswerStream(const Tokenizer& tokenizer, bool starts_text, std::vector<std::string> stop,
               const OnDelta& on_delta);

  void push(TokenId id);
  bool stop_text_found() const noexcept { return stop_.found(); }

  // No token comes after this. The whole answer; what was streamed adds up to it.
  Message finish();

 private:
  void emit(std::string_view text);

  const OnDelta& on_delta_;
  StreamDecoder decoder_;
  StopTexts stop_;
  Message message_;
};

}  // namespace wattle::runtime
