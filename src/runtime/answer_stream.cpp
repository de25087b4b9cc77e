// SPDX-License-Identifier: Apache-2.0
#include "runtime/answer_stream.h"

#include <algorithm>
#include <utility>

namespace wattle::runtime {

AnswerStream::AnswerStream(const Tokenizer& tokenizer, bool starts_text,
                           std::vector<std::string> stop,
                           std::unique_ptr<chat::OutputParser> parser, const OnDelta& on_delta)
    : tokenizer_(tokenizer),
      on_delta_(on_delta),
      decoder_(tokenizer, {.starts_text = starts_text}),
      stop_(std::move(stop)),
      parser_(std::move(parser)),
      message_{.role = "assistant"} {}

void AnswerStream::push(TokenId id) {
  if (is_marker(id)) {
    take(stop_.feed(decoder_.finish()));
    take(stop_.feed(tokenizer_.spelling(id)));
  } else {
    take(stop_.feed(decoder_.push(id)));
  }
}

Message AnswerStream::finish() {
  if (!stop_.found()) {
    take(stop_.feed(decoder_.finish()));
    take(stop_.finish());
  }
  if (parser_ != nullptr) {
    parser_->finish(events_);
    take_events();
  }
  return std::move(message_);
}

// A control token is no text to read, but some are what the parser goes by.
bool AnswerStream::is_marker(TokenId id) const {
  if (parser_ == nullptr || !tokenizer_.is_control(id)) return false;
  const auto markers = parser_->markers();
  return std::find(markers.begin(), markers.end(), tokenizer_.spelling(id)) != markers.end();
}

void AnswerStream::take(std::string_view text) {
  if (parser_ == nullptr) {
    emit(Delta::Kind::text, text);
    return;
  }
  parser_->feed(text, events_);
  take_events();
}

void AnswerStream::take_events() {
  for (chat::OutputEvent& event : events_) {
    switch (event.kind) {
      case chat::OutputEvent::Kind::text: emit(Delta::Kind::text, event.text); break;
      case chat::OutputEvent::Kind::reasoning: emit(Delta::Kind::reasoning, event.text); break;
      case chat::OutputEvent::Kind::tool_call:
        message_.tool_calls.push_back(std::move(event.call));
        break;
    }
  }
  events_.clear();
}

void AnswerStream::emit(Delta::Kind kind, std::string_view text) {
  if (text.empty()) return;
  (kind == Delta::Kind::text ? message_.content : message_.reasoning) += text;
  if (on_delta_) on_delta_({.kind = kind, .text = text});
}

}  // namespace wattle::runtime
