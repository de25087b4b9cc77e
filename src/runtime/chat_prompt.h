// SPDX-License-Identifier: Apache-2.0
// The model's side of a conversation: its template and the form of its answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text_segment.h"
#include "chat/output_parser.h"
#include "chat/template.h"
#include "gguf/reader.h"
#include "tokenizer/vocab_spec.h"
#include "wattle/engine.h"

namespace wattle::runtime {

// Immutable. A template that came with the file and does not compile is an error of chat requests
// only: the model still completes text.
class ChatPrompt {
 public:
  // vocab: that of the file. template_text replaces the template of the file unless it is empty.
  // Throws Error{bad_input} where it does not compile.
  ChatPrompt(const gguf::File& file, const VocabSpec& vocab, const std::string& template_text);

  bool has_template() const noexcept { return template_ || broken_; }

  // The prompt of a request. Throws Error{unsupported} without a template, Error{bad_input} where
  // template or request have a fault.
  std::vector<TextSegment> render(const ChatRequest& request) const;

  // Takes the answer to that prompt apart.
  std::unique_ptr<chat::OutputParser> make_parser(const ChatRequest& request,
                                                  const std::vector<TextSegment>& prompt) const;

 private:
  std::string file_name_;
  std::string architecture_;
  std::vector<std::pair<std::string, std::string>> special_tokens_;
  std::optional<chat::ChatTemplate> template_;
  std::optional<Error> broken_;  // why the template of the file does not compile
};

}  // namespace wattle::runtime
