// SPDX-License-Identifier: Apache-2.0
#include "chat/conversation.h"

#include <fmt/format.h>

#include <string>

#include "wattle/error.h"

namespace wattle::chat {
namespace {

Json arguments_of(const ToolCall& call) {
  if (call.arguments_json.empty()) return Json::object();
  Json arguments =
      parse_json(call.arguments_json, fmt::format("arguments of the tool call '{}'", call.name));
  if (!arguments.is_object()) {
    throw Error(ErrorCode::bad_input,
                fmt::format("arguments of the tool call '{}': {}, expected a JSON object",
                            call.name, arguments.type_name()));
  }
  return arguments;
}

Json to_json(const ToolCall& call) {
  Json json = Json::object();
  if (!call.id.empty()) json["id"] = call.id;
  json["type"] = "function";
  json["function"]["name"] = call.name;
  json["function"]["arguments"] = arguments_of(call);
  return json;
}

Json to_json(const Message& message) {
  Json json = Json::object();
  json["role"] = message.role;
  json["content"] = message.content;
  if (!message.reasoning.empty()) {
    json["reasoning_content"] = message.reasoning;
    json["thinking"] = message.reasoning;
  }
  for (const ToolCall& call : message.tool_calls) json["tool_calls"].push_back(to_json(call));
  if (!message.tool_call_id.empty()) json["tool_call_id"] = message.tool_call_id;
  if (!message.name.empty()) json["name"] = message.name;
  return json;
}

}  // namespace

Json template_variables(const Conversation& conversation) {
  Json variables = Json::object();
  variables["messages"] = Json::array();
  for (const Message& message : conversation.messages) {
    variables["messages"].push_back(to_json(message));
  }
  variables["tools"] = nullptr;
  if (!conversation.tools_json.empty()) {
    Json tools = parse_json(conversation.tools_json, "tools");
    if (!tools.is_array()) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("tools: {}, expected a JSON array", tools.type_name()));
    }
    if (!tools.empty()) variables["tools"] = std::move(tools);
  }
  variables["documents"] = nullptr;
  variables["add_generation_prompt"] = conversation.add_generation_prompt;
  if (conversation.enable_thinking) variables["enable_thinking"] = *conversation.enable_thinking;
  return variables;
}

}  // namespace wattle::chat
