// SPDX-License-Identifier: Apache-2.0
// Messages and tools in the form that chat templates expect.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/json_input.h"
#include "wattle/message.h"

namespace wattle::chat {

struct Conversation {
  std::span<const Message> messages;
  std::string_view tools_json;          // a JSON array in OpenAI's form, or empty
  std::optional<bool> enable_thinking;  // absent: the template's default
  bool add_generation_prompt = true;
};

// The variables of TemplateInput: messages, tools, documents, add_generation_prompt and, where
// given, enable_thinking. Reasoning goes in under the names that templates look for
// (reasoning_content, thinking), tool arguments as an object. Content is always a string: the null
// that clients send beside tool calls would reach the prompt as "None" or fail the template.
// Throws Error{bad_input} for tools that are no JSON array and arguments that are no JSON object.
Json template_variables(const Conversation& conversation);

}  // namespace wattle::chat
