// SPDX-License-Identifier: Apache-2.0
#include "runtime/chat_prompt.h"

#include <fmt/format.h>

#include <string_view>

#include "chat/civil_time.h"
#include "chat/conversation.h"
#include "runtime/answer_grammar.h"
#include "runtime/template_loader.h"

namespace wattle::runtime {

ChatPrompt::ChatPrompt(const gguf::File& file, const VocabSpec& vocab,
                       const std::string& template_text)
    : file_name_(file.name()),
      architecture_(file.metadata().get<std::string_view>("general.architecture")),
      special_tokens_(template_special_tokens(file, vocab)) {
  if (!template_text.empty()) {
    template_.emplace(template_text);
    return;
  }
  const auto own = find_chat_template(file);
  if (!own) return;
  try {
    template_.emplace(*own);
  } catch (const Error& e) {
    broken_.emplace(
        e.code(), fmt::format("{}: key 'tokenizer.chat_template': {}", file_name_, e.what()),
        "pass a template that works with --chat-template, or complete raw text with --raw");
  }
}

std::vector<TextSegment> ChatPrompt::render(const ChatRequest& request) const {
  if (broken_) throw Error(*broken_);
  if (!template_) {
    throw Error(ErrorCode::unsupported,
                fmt::format("{}: the model has no chat template", file_name_),
                "pass one with --chat-template, or complete raw text with --raw");
  }
  return template_->render_segments(
      {.variables = chat::template_variables({.messages = request.messages,
                                              .tools_json = request.tools_json,
                                              .enable_thinking = request.enable_thinking}),
       .special_tokens = special_tokens_,
       .now = chat::local_now()});
}

std::unique_ptr<chat::OutputParser> ChatPrompt::make_parser(
    const ChatRequest& request, const std::vector<TextSegment>& prompt) const {
  const std::string_view source = template_ ? std::string_view(template_->source()) : "";
  return chat::make_output_parser(chat::output_family(source, architecture_),
                                  {.prompt = prompt.empty() ? "" : prompt.back().text,
                                   .tools_offered = !request.tools_json.empty(),
                                   .answer_is_text = AnswerGrammar::is_wanted(request.sampling)});
}

}  // namespace wattle::runtime
