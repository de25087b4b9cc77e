// SPDX-License-Identifier: Apache-2.0
// Answers of each family, whole and cut at every place: the parts must not depend on the cuts.
#include "chat/output_parser.h"

#include <gtest/gtest.h>

#include "tests/chat/golden_chat.h"
#include "tests/support/needs_golden.h"

namespace wattle::chat {
namespace {

struct Answer {
  std::string text = {};
  std::string reasoning = {};
  std::vector<std::string> calls = {};  // name + arguments

  bool operator==(const Answer&) const = default;
};

std::ostream& operator<<(std::ostream& os, const Answer& a) {
  os << "text '" << a.text << "' reasoning '" << a.reasoning << "'";
  for (const auto& call : a.calls) os << " call " << call;
  return os;
}

Answer collect(OutputFamily family, const std::vector<std::string_view>& pieces,
               const OutputParserOptions& options) {
  const auto parser = make_output_parser(family, options);
  std::vector<OutputEvent> events;
  for (const auto piece : pieces) parser->feed(piece, events);
  parser->finish(events);
  Answer answer;
  for (const OutputEvent& e : events) {
    switch (e.kind) {
      case OutputEvent::Kind::text: answer.text += e.text; break;
      case OutputEvent::Kind::reasoning: answer.reasoning += e.text; break;
      case OutputEvent::Kind::tool_call:
        answer.calls.push_back(e.call.name + e.call.arguments_json);
        break;
    }
  }
  return answer;
}

void expect_answer(OutputFamily family, std::string_view output, const Answer& expected,
                   const OutputParserOptions& options = {}) {
  SCOPED_TRACE(output);
  EXPECT_EQ(collect(family, {output}, options), expected);
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < output.size(); ++i) bytes.push_back(output.substr(i, 1));
  EXPECT_EQ(collect(family, bytes, options), expected) << "byte by byte";
  for (size_t i = 1; i < output.size(); ++i) {
    EXPECT_EQ(collect(family, {output.substr(0, i), output.substr(i)}, options), expected)
        << "cut at " << i;
  }
}

TEST(OutputParser, PlainKeepsEveryByte) {
  expect_answer(OutputFamily::plain, " \n<think>a</think> <tool_call>{}</tool_call>\n ",
                {.text = " \n<think>a</think> <tool_call>{}</tool_call>\n "});
}

TEST(OutputParser, Gemma4SeparatesThoughtAnswerAndCalls) {
  expect_answer(OutputFamily::gemma4, "Hello *there*.\n", {.text = "Hello *there*.\n"});
  expect_answer(OutputFamily::gemma4, "<|channel>thought\nWhy? So.\n<channel|>Because.",
                {.text = "Because.", .reasoning = "Why? So."});
  expect_answer(
      OutputFamily::gemma4,
      "<|channel>thought\nNeed the tool.\n<channel|><|tool_call>call:get_weather{city:<|\"|>"
      "Paris, {FR}<|\"|>,days:3,deep:{a:[1,-2.5e3,true,null],b:{}},l:[]}<tool_call|>"
      "<|tool_response>",
      {.reasoning = "Need the tool.",
       .calls = {R"(get_weather{"city":"Paris, {FR}","days":3,)"
                 R"("deep":{"a":[1,-2500.0,true,null],"b":{}},"l":[]})"}});
  expect_answer(OutputFamily::gemma4,
                "Let me look.\n<|tool_call>call:a{}<tool_call|><|tool_call>call:b{ x : 1 , y:\n[ 2 "
                "] }<tool_call|>",
                {.text = "Let me look.", .calls = {"a{}", R"(b{"x":1,"y":[2]})"}});
}

TEST(OutputParser, Gemma4ForgivesWhatModelsLeaveOver) {
  expect_answer(OutputFamily::gemma4, "<|channel>thought<channel|>Yes.", {.text = "Yes."});
  expect_answer(OutputFamily::gemma4, "<|channel><|channel>thought\nHm.<channel|>Yes.",
                {.text = "Yes.", .reasoning = "Hm."});
  expect_answer(OutputFamily::gemma4, "Yes.<|channel>thought\n<channel|>", {.text = "Yes."});
  expect_answer(OutputFamily::gemma4, "Yes.<channel|>", {.text = "Yes."});
}

TEST(OutputParser, Gemma4GivesBackMalformedCallsAsText) {
  for (const char* bad :
       {"<|tool_call>call:f{a:}<tool_call|>", "<|tool_call>f{}<tool_call|>",
        "<|tool_call>call:{}<tool_call|>", "<|tool_call>call:f{a:<|\"|>x}<tool_call|>",
        "<|tool_call>call:f{a:1}extra<tool_call|>", "<|tool_call>call:f{a:01}<tool_call|>",
        "<|tool_call>call:f{a:1", "<|tool_call>", "a < b <|tool",
        "<|tool_call>call:f{a:\"x\"}<tool_call|>"}) {
    expect_answer(OutputFamily::gemma4, bad, {.text = bad});
  }
  std::string deep = "<|tool_call>call:f{a:";
  for (int i = 0; i < 100000; ++i) deep += '[';
  EXPECT_EQ(collect(OutputFamily::gemma4, {deep, "<tool_call|>"}, {}).text, deep + "<tool_call|>");
}

TEST(OutputParser, Qwen3SeparatesThoughtAnswerAndCalls) {
  expect_answer(OutputFamily::qwen3, "<think>\nHm.\n\nOk.\n</think>\n\nYes.\n\nNo.",
                {.text = "Yes.\n\nNo.", .reasoning = "Hm.\n\nOk."});
  expect_answer(OutputFamily::qwen3, "<think>\n\n</think>\n\nYes.", {.text = "Yes."});
  expect_answer(OutputFamily::qwen3,
                "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"b\": 1, \"a\": \"ü\\n\"}}\n"
                "</tool_call>\n<tool_call>\n{\"name\": \"g\"}\n</tool_call>",
                {.calls = {"f{\"b\":1,\"a\":\"ü\\n\"}", "g{}"}});
  expect_answer(OutputFamily::qwen3, "One <tool_call>{]</tool_call> two",
                {.text = "One <tool_call>{]</tool_call> two"});
  expect_answer(OutputFamily::qwen3, "<tool_call>{\"name\": \"f\", \"arguments\": [1]}</tool_call>",
                {.text = "<tool_call>{\"name\": \"f\", \"arguments\": [1]}</tool_call>"});
  expect_answer(OutputFamily::qwen3, "<think>cut off", {.reasoning = "cut off"});
}

TEST(OutputParser, BeginsInsideReasoningThatThePromptHasOpened) {
  expect_answer(OutputFamily::qwen3, "Hm.\n</think>\n\nYes.", {.text = "Yes.", .reasoning = "Hm."},
                {.prompt = "<|im_start|>assistant\n<think>\n"});
  expect_answer(OutputFamily::qwen3, "Yes.", {.text = "Yes."},
                {.prompt = "<|im_start|>assistant\n<think>\n\n</think>\n\n"});
  expect_answer(OutputFamily::qwen3, "Yes.", {.text = "Yes."},
                {.prompt = "What is <think>?<|im_end|>\n<|im_start|>assistant\n"});
  expect_answer(OutputFamily::gemma4, "Hm.\n<channel|>Yes.", {.text = "Yes.", .reasoning = "Hm."},
                {.prompt = "<tool_response|><|channel>thought\n"});
  expect_answer(OutputFamily::gemma4, "Yes.", {.text = "Yes."},
                {.prompt = "<|turn>model\n<|channel>thought\n<channel|>"});
  expect_answer(OutputFamily::thinking, "Hm.</think>Yes.", {.text = "Yes.", .reasoning = "Hm."},
                {.prompt = "<think>\n"});
}

TEST(OutputParser, HermesLeavesThoughtsAlone) {
  expect_answer(OutputFamily::hermes,
                "<think>a</think>\n<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>",
                {.text = "<think>a</think>", .calls = {"f{}"}});
}

TEST(OutputParser, Llama3ReadsAnAnswerThatIsACall) {
  const OutputParserOptions tools{.prompt = {}, .tools_offered = true};
  expect_answer(OutputFamily::llama3, "{\"name\": \"f\", \"parameters\": {\"x\": \"}\"}}",
                {.calls = {"f{\"x\":\"}\"}"}}, tools);
  expect_answer(OutputFamily::llama3,
                "<|python_tag|>{\"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\"}",
                {.calls = {"f{}", "g{}"}}, tools);
  expect_answer(OutputFamily::llama3, "<|python_tag|>brave_search.call(query=\"a, b\", n=3)",
                {.calls = {"brave_search{\"query\":\"a, b\",\"n\":3}"}}, tools);
  for (const char* text : {"{\"city\": \"Rome\"}", "{ not json", "Sure: {\"name\": 1}",
                           "{\"name\": \"f\"", "<|python_tag|>print(1)", "{\"name\": 1}", " {"}) {
    expect_answer(OutputFamily::llama3, text, {.text = text}, tools);
  }
  expect_answer(OutputFamily::llama3, "{\"name\": \"f\", \"parameters\": {}}",
                {.text = "{\"name\": \"f\", \"parameters\": {}}"});
}

TEST(OutputParser, AnAnswerOfAGrammarHasNoMarkers) {
  const OutputParserOptions held{.answer_is_text = true};
  const std::string answer = R"({"a":"<think>b</think><tool_call>{}</tool_call>"})";
  expect_answer(OutputFamily::qwen3, answer, {.text = answer}, held);
  expect_answer(OutputFamily::qwen3, "<think>\nWhy?\n</think>\n\n" + answer,
                {.text = answer, .reasoning = "Why?"}, held);
  expect_answer(OutputFamily::qwen3, "Why?</think>" + answer, {.text = answer, .reasoning = "Why?"},
                {.prompt = "<think>\n", .answer_is_text = true});
  expect_answer(OutputFamily::qwen3, "<thin", {.text = "<thin"}, held);
  expect_answer(OutputFamily::hermes, answer, {.text = answer}, held);
}

TEST(OutputParser, StreamsTextAsSoonAsItIsCertain) {
  const auto parser = make_output_parser(OutputFamily::gemma4, {});
  std::vector<OutputEvent> events;
  parser->feed("Hello <", events);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].text, "Hello");
  parser->feed("b", events);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].text, " <b");
}

TEST(OutputParser, NamesTheSpecialTokensItNeeds) {
  const auto gemma = make_output_parser(OutputFamily::gemma4, {});
  EXPECT_NE(std::find(gemma->markers().begin(), gemma->markers().end(), "<|channel>"),
            gemma->markers().end());
  EXPECT_TRUE(make_output_parser(OutputFamily::plain, {})->markers().empty());
}

TEST(OutputFamily, IsToldByTheTemplate) {
  EXPECT_EQ(output_family("", "gemma4"), OutputFamily::gemma4);
  EXPECT_EQ(output_family("", "qwen3moe"), OutputFamily::qwen3);
  EXPECT_EQ(output_family("", "llama"), OutputFamily::plain);
  EXPECT_EQ(output_family("{{ messages }}", "gemma4"), OutputFamily::plain);
}

TEST(OutputFamily, OfTemplatesOfRealModels) {
  WATTLE_NEEDS_GOLDEN("chat/templates");
  constexpr std::pair<std::string_view, OutputFamily> kExpected[] = {
      {"google-gemma-4", OutputFamily::gemma4},
      {"google-gemma-3", OutputFamily::plain},
      {"Qwen-Qwen3", OutputFamily::qwen3},
      {"Qwen-Qwen2.5", OutputFamily::hermes},
      {"meta-llama-Llama-3", OutputFamily::llama3},
      {"deepseek-ai", OutputFamily::thinking},
      {"ibm-granite", OutputFamily::hermes},
      {"HuggingFaceTB-SmolLM2", OutputFamily::plain},
      {"HuggingFaceTB-SmolLM3", OutputFamily::thinking},
      {"microsoft-Phi", OutputFamily::plain}};
  for (const auto& file : test::files_in(test::golden_dir() / "chat" / "templates", ".jinja")) {
    for (const auto& [prefix, family] : kExpected) {
      if (!file.filename().string().starts_with(prefix)) continue;
      EXPECT_EQ(output_family(test::read_file(file), ""), family) << file;
    }
  }
}

}  // namespace
}  // namespace wattle::chat
