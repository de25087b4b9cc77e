// SPDX-License-Identifier: Apache-2.0
// A chat template: Jinja text out of a model file, compiled once, rendered per prompt.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_input.h"
#include "base/text_segment.h"
#include "chat/civil_time.h"

namespace wattle::chat {

namespace jinja {
struct Template;
}  // namespace jinja

struct TemplateInput {
  // What the template sees: messages, tools, add_generation_prompt, ... An object.
  // template_variables() in conversation.h makes it.
  Json variables = Json::object();
  // bos_token, eos_token, ...: names and texts. They may stand for control tokens wherever the
  // template writes them.
  std::vector<std::pair<std::string, std::string>> special_tokens;
  CivilTime now;  // what strftime_now tells
};

// Immutable: one object may render in several threads at once. The Jinja it understands, its limits
// and what differs from Python's are described in docs/chat-templates.md.
class ChatTemplate {
 public:
  // Throws Error{bad_input} naming the line for what does not compile.
  explicit ChatTemplate(std::string_view source);

  // The prompt. Throws Error{bad_input}: with the line and the reason where the template fails or
  // does too much work, with exactly its own message where it calls raise_exception().
  std::string render(const TemplateInput& input) const;

  // The same text, cut where it changes between what the template wrote and what came in with the
  // variables. The role of a message counts as written by the template where it is one of the
  // usual ones, since templates build control tokens of it ("<|" + role + "|>").
  std::vector<TextSegment> render_segments(const TemplateInput& input) const;

  // The template's text, as it was given.
  const std::string& source() const noexcept { return source_; }

 private:
  std::string source_;
  std::shared_ptr<const jinja::Template> compiled_;
};

}  // namespace wattle::chat
