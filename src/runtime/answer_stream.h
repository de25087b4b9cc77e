// SPDX-License-Identifier: Apache-2.0
// The way of an answer from tokens to the caller: whole characters, then stop texts, then (in a
// chat) its parts, then the pieces the caller hears.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/output_parser.h"
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
  // parser: takes reasoning and tool calls out; null: all is text.
  // Throws Error{usage} for stop texts that are none.
  AnswerStream(const Tokenizer& tokenizer, bool starts_text, std::vector<std::string> stop,
               std::unique_ptr<chat::OutputParser> parser, const OnDelta& on_delta);
  AnswerStream(const Tokenizer&, bool, std::vector<std::string>,
               std::unique_ptr<chat::OutputParser>, OnDelta&&) = delete;  // would dangle

  void push(TokenId id);
  bool stop_text_found() const noexcept { return stop_.found(); }

  // No token comes after this. The whole answer; what was streamed adds up to it.
  Message finish();

 private:
  bool is_marker(TokenId id) const;
  void take(std::string_view text);  // what the stop texts let through
  void take_events();
  void emit(Delta::Kind kind, std::string_view text);

  const Tokenizer& tokenizer_;
  const OnDelta& on_delta_;
  StreamDecoder decoder_;
  StopTexts stop_;
  std::unique_ptr<chat::OutputParser> parser_;
  std::vector<chat::OutputEvent> events_;
  Message message_;
};

}  // namespace wattle::runtime
