// SPDX-License-Identifier: Apache-2.0
#include "runtime/answer_stream.h"

#include <utility>

namespace wattle::runtime {

AnswerStream::AnswerStream(const Tokenizer& tokenizer, bool starts_text,
                           std::vector<std::string> stop, const OnDelta& on_delta)
    : on_delta_(on_delta),
      decoder_(tokenizer, {.starts_text = starts_text}),
      stop_(std::move(stop)),
      message_{.role = "assistant"} {}

void AnswerStream::push(TokenId id) { emit(stop_.feed(decoder_.push(id))); }

Message AnswerStream::finish() {
  if (!stop_.found()) {
    emit(stop_.feed(decoder_.finish()));
    emit(stop_.finish());
  }
  return std::move(message_);
}

void AnswerStream::emit(std::string_view text) {
  if (text.empty()) return;
  message_.content += text;
  if (on_delta_) on_delta_({.kind = Delta::Kind::text, .text = text});
}

}  // namespace wattle::runtime
