// SPDX-License-Identifier: Apache-2.0
#include "cli/conversation_note.h"

#include <fmt/format.h>

#include "base/json_input.h"
#include "wattle/error.h"

namespace wattle::cli {
namespace {

// Absent members are empty texts.
std::string text_of(const Json& object, const char* key) {
  const auto member = object.find(key);
  return member == object.end() ? "" : member->get<std::string>();
}

Json as_json(const Message& message) {
  Json json{{"role", message.role}, {"content", message.content}};
  if (!message.reasoning.empty()) json["reasoning"] = message.reasoning;
  for (const ToolCall& call : message.tool_calls) {
    json["tool_calls"].push_back(
        {{"id", call.id}, {"name", call.name}, {"arguments", call.arguments_json}});
  }
  return json;
}

Message as_message(const Json& json) {
  Message message{.role = json.at("role").get<std::string>(),
                  .content = text_of(json, "content"),
                  .reasoning = text_of(json, "reasoning")};
  for (const Json& call : json.value("tool_calls", Json::array())) {
    message.tool_calls.push_back({.id = text_of(call, "id"),
                                  .name = text_of(call, "name"),
                                  .arguments_json = text_of(call, "arguments")});
  }
  return message;
}

}  // namespace

std::string note_of(const std::vector<Message>& messages) {
  Json list = Json::array();
  for (const Message& message : messages) list.push_back(as_json(message));
  return Json{{"messages", std::move(list)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<Message> messages_of(std::string_view note, const std::string& file) {
  const Json json = parse_json(note, file);
  try {
    std::vector<Message> messages;
    for (const Json& message : json.at("messages")) messages.push_back(as_message(message));
    return messages;
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: no conversation: {}", file, error.what()),
                "it was saved by another program than `wattle chat`");
  }
}

}  // namespace wattle::cli
