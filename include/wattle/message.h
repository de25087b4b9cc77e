// SPDX-License-Identifier: Apache-2.0
// One turn of a conversation, in the shape of the OpenAI chat API.
#pragma once

#include <string>
#include <vector>

namespace wattle {

// Every member has an initialiser, so that a designated one may name just those it needs.
struct ToolCall {
  std::string id{};  // may be empty
  std::string name{};
  std::string arguments_json{};  // a JSON object as text
};

struct Message {
  std::string role{};  // "system", "user", "assistant", "tool"
  std::string content{};
  std::string reasoning{};             // assistant: thoughts, kept apart from the answer
  std::vector<ToolCall> tool_calls{};  // assistant
  std::string tool_call_id{};          // tool: the call this answers
  std::string name{};                  // tool: its function
};

}  // namespace wattle
