// SPDX-License-Identifier: Apache-2.0
#include "chat/conversation.h"

#include <gtest/gtest.h>

#include "wattle/error.h"

namespace wattle::chat {
namespace {

TEST(Conversation, BecomesTheVariablesOfATemplate) {
  const std::vector<Message> messages = {
      {.role = "user",
       .content = "Weather?",
       .reasoning = {},
       .tool_calls = {},
       .tool_call_id = {},
       .name = {}},
      {.role = "assistant",
       .content = "",
       .reasoning = "Hm.",
       .tool_calls = {{.id = "c1", .name = "f", .arguments_json = R"({"b": 1, "a": "x"})"}},
       .tool_call_id = {},
       .name = {}},
      {.role = "tool",
       .content = "18",
       .reasoning = {},
       .tool_calls = {},
       .tool_call_id = "c1",
       .name = "f"}};
  const Json variables = template_variables(
      {.messages = messages, .tools_json = R"([{"type": "function"}])", .enable_thinking = false});
  EXPECT_EQ(variables.dump(),
            R"({"messages":[{"role":"user","content":"Weather?"},)"
            R"({"role":"assistant","content":"","reasoning_content":"Hm.","thinking":"Hm.",)"
            R"("tool_calls":[{"id":"c1","type":"function","function":)"
            R"({"name":"f","arguments":{"b":1,"a":"x"}}}]},)"
            R"({"role":"tool","content":"18","tool_call_id":"c1","name":"f"}],)"
            R"("tools":[{"type":"function"}],"documents":null,"add_generation_prompt":true,)"
            R"("enable_thinking":false})");
}

TEST(Conversation, NoToolsAreNone) {
  for (const char* tools : {"", "[]"}) {
    const Json variables = template_variables({.messages = {},
                                               .tools_json = tools,
                                               .enable_thinking = {},
                                               .add_generation_prompt = false});
    EXPECT_TRUE(variables.at("tools").is_null());
    EXPECT_FALSE(variables.contains("enable_thinking"));
    EXPECT_FALSE(variables.at("add_generation_prompt").get<bool>());
  }
}

TEST(Conversation, RefusesToolsAndArgumentsOfAnotherShape) {
  EXPECT_THROW(template_variables({.messages = {}, .tools_json = "{}", .enable_thinking = {}}),
               Error);
  EXPECT_THROW(template_variables({.messages = {}, .tools_json = "[", .enable_thinking = {}}),
               Error);
  Message call;
  call.role = "assistant";
  call.tool_calls = {{.id = {}, .name = "f", .arguments_json = "[1]"}};
  EXPECT_THROW(
      template_variables({.messages = {&call, 1}, .tools_json = {}, .enable_thinking = {}}), Error);
}

}  // namespace
}  // namespace wattle::chat
