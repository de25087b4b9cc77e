// SPDX-License-Identifier: Apache-2.0
// Answers through the C API are those of the C++ API.
#include <gtest/gtest.h>

#include <cmath>
#include <future>
#include <string>
#include <thread>

#include "c_api/handles.h"
#include "tests/c_api/handles.h"
#include "tests/support/temp_dir.h"
#include "wattle/engine.h"

namespace wattle {
namespace {

using namespace test;

// Shows what a template can see of a message, so that each field has a part in the answer.
constexpr const char* kTemplate =
    "{% for m in messages %}{{ m.role }}: {{ m.content }}{% if m.tool_calls %}"
    "{{ m.tool_calls[0].function.name }} {{ m.tool_calls[0].function.arguments }}{% endif %}"
    "{% if m.tool_call_id %}{{ m.tool_call_id }} {{ m.name }}{% endif %}\n{% endfor %}"
    "{% if tools %}{{ tools[0].function.name }}{% endif %}"
    "{% if enable_thinking is defined %}{{ enable_thinking }}{% endif %}";

Engine open_in_cpp() {
  return Engine(
      {.model = stories_path(), .n_ctx = 256, .n_threads = 2, .chat_template = kTemplate});
}

int32_t append(void* user_data, wattle_delta_kind kind, const char* text, size_t size) {
  EXPECT_EQ(kind, WATTLE_DELTA_TEXT);
  EXPECT_EQ(std::string(text).size(), size);  // ends with a zero byte
  static_cast<std::string*>(user_data)->append(text, size);
  return 0;
}

TEST(CApiAnswer, CompletionIsThatOfCppAndWhatWasStreamed) {
  const EnginePtr engine = open_stories();
  const SessionPtr session = new_session(engine);
  const wattle_sampling_params sampling = greedy();
  std::string streamed;
  const AnswerPtr answer =
      complete(session, completion("Once upon a time", 20, sampling), append, &streamed);
  EXPECT_EQ(streamed, wattle_answer_text(answer.get()));
  EXPECT_STREQ(wattle_answer_reasoning(answer.get()), "");
  EXPECT_EQ(wattle_answer_n_tool_calls(answer.get()), 0u);
  const wattle_answer_info info = info_of(answer);
  EXPECT_EQ(info.stop, WATTLE_STOP_LENGTH);
  EXPECT_EQ(info.n_generated, 20u);
  EXPECT_GT(info.n_prompt, 3u);
  EXPECT_GT(info.generation_ms, 0.0);

  Engine cpp = open_in_cpp();
  CompletionRequest request{.prompt = "Once upon a time", .n_predict = 20};
  request.sampling.temperature = 0.0f;
  EXPECT_EQ(cpp.new_session()->complete(request, {}).message.content, streamed);
}

TEST(CApiAnswer, EverySamplingFieldArrives) {
  const EnginePtr engine = open_stories();
  const SessionPtr session = new_session(engine);
  const char* const breakers[] = {"."};
  const int32_t ids[] = {1849, 1585};
  const float biases[] = {-INFINITY, 2.5f};
  wattle_sampling_params c;
  EXPECT_OK(wattle_sampling_params_init(&c, sizeof c));
  c.has_seed = 1;
  c.seed = 11;
  c.temperature = 1.2f;
  c.top_k = 30;
  c.top_p = 0.9f;
  c.min_p = 0.02f;
  c.typical_p = 0.97f;
  c.repeat_last_n = 16;
  c.repeat_penalty = 1.1f;
  c.frequency_penalty = 0.1f;
  c.presence_penalty = 0.2f;
  c.dry_multiplier = 0.5f;
  c.dry_base = 1.5f;
  c.dry_allowed_length = 1;
  c.dry_penalty_last_n = 32;
  c.dry_sequence_breakers = breakers;
  c.n_dry_sequence_breakers = 1;
  c.logit_bias_ids = ids;
  c.logit_biases = biases;
  c.n_logit_bias = 2;
  const AnswerPtr answer = complete(session, completion("One day", 40, c));

  CompletionRequest request{.prompt = "One day", .n_predict = 40};
  request.sampling = {.seed = 11,
                      .temperature = 1.2f,
                      .top_k = 30,
                      .top_p = 0.9f,
                      .min_p = 0.02f,
                      .typical_p = 0.97f,
                      .repeat_last_n = 16,
                      .repeat_penalty = 1.1f,
                      .frequency_penalty = 0.1f,
                      .presence_penalty = 0.2f,
                      .dry_multiplier = 0.5f,
                      .dry_base = 1.5f,
                      .dry_allowed_length = 1,
                      .dry_penalty_last_n = 32,
                      .dry_sequence_breakers = {"."},
                      .logit_bias = {{TokenId(1849), -INFINITY}, {TokenId(1585), 2.5f}}};
  Engine cpp = open_in_cpp();
  EXPECT_EQ(cpp.new_session()->complete(request, {}).message.content,
            wattle_answer_text(answer.get()));
  EXPECT_EQ(info_of(answer).seed, 11u);
}

TEST(CApiAnswer, AGrammarHoldsTheAnswer) {
  const EnginePtr engine = open_stories();
  const SessionPtr session = new_session(engine);
  wattle_sampling_params sampling = greedy();
  sampling.grammar = "root ::= \" yes\" | \" no\"";
  const std::string text =
      wattle_answer_text(complete(session, completion("Is it so?", 20, sampling)).get());
  EXPECT_TRUE(text == " yes" || text == " no") << text;
  sampling.grammar = nullptr;
  sampling.json_schema = "{\"enum\": [17]}";
  EXPECT_STREQ(wattle_answer_text(complete(session, completion("How old?", 20, sampling)).get()),
               "17");
  sampling.json_schema = nullptr;
  sampling.grammar = "root ::= nothing";
  const wattle_completion_request request = completion("Is it so?", 20, sampling);
  wattle_answer* answer = nullptr;
  EXPECT_EQ(wattle_session_complete(session.get(), &request, nullptr, nullptr, &answer),
            WATTLE_BAD_INPUT);
}

TEST(CApiAnswer, ChatIsThatOfCpp) {
  wattle_engine_params params = engine_params();
  params.chat_template = kTemplate;
  const EnginePtr engine = open_stories(params);
  const SessionPtr session = new_session(engine);
  const wattle_tool_call call{"call_1", "find_cat", "{\"name\": \"Tom\"}"};
  wattle_message messages[3]{};
  messages[0].role = "user";
  messages[0].content = "Where is the cat?";
  messages[1].role = "assistant";
  messages[1].tool_calls = &call;
  messages[1].n_tool_calls = 1;
  messages[2].role = "tool";
  messages[2].content = "under the tree";
  messages[2].tool_call_id = "call_1";
  messages[2].name = "find_cat";
  const char* const tools =
      R"([{"type":"function","function":{"name":"find_cat","parameters":{"type":"object"}}}])";
  const char* const stop[] = {"."};
  const wattle_sampling_params sampling = greedy();
  wattle_chat_request request;
  EXPECT_OK(wattle_chat_request_init(&request, sizeof request));
  request.messages = messages;
  request.n_messages = 3;
  request.tools_json = tools;
  request.sampling = &sampling;
  request.thinking = WATTLE_THINKING_OFF;
  request.n_predict = 30;
  request.stop = stop;
  request.n_stop = 1;
  wattle_answer* made = nullptr;
  EXPECT_OK(wattle_session_chat(session.get(), &request, nullptr, nullptr, &made));
  const AnswerPtr answer(made);

  ChatRequest cpp_request{.messages = {{.role = "user", .content = "Where is the cat?"},
                                       {.role = "assistant",
                                        .tool_calls = {{.id = "call_1",
                                                        .name = "find_cat",
                                                        .arguments_json = "{\"name\": \"Tom\"}"}}},
                                       {.role = "tool",
                                        .content = "under the tree",
                                        .tool_call_id = "call_1",
                                        .name = "find_cat"}},
                          .tools_json = tools,
                          .enable_thinking = false,
                          .n_predict = 30,
                          .stop = {"."}};
  cpp_request.sampling.temperature = 0.0f;
  Engine cpp = open_in_cpp();
  const Answer expected = cpp.new_session()->chat(cpp_request, {});
  EXPECT_EQ(expected.message.content, wattle_answer_text(answer.get()));
  EXPECT_EQ(expected.timings.n_prompt, info_of(answer).n_prompt);
}

TEST(CApiAnswer, ACallbackStopsTheAnswer) {
  const EnginePtr engine = open_stories();
  const SessionPtr session = new_session(engine);
  const wattle_sampling_params sampling = greedy();
  int n_calls = 0;
  const AnswerPtr answer = complete(
      session, completion("Once upon a time", 200, sampling),
      [](void* user, wattle_delta_kind, const char*, size_t) {
        return static_cast<int32_t>(++*static_cast<int*>(user) == 3);
      },
      &n_calls);
  EXPECT_EQ(info_of(answer).stop, WATTLE_STOP_CANCELLED);
  EXPECT_LE(n_calls, 4);  // what the stream held back comes at the end
}

TEST(CApiAnswer, AnotherThreadCancels) {
  const EnginePtr engine = open_stories();
  const SessionPtr session = new_session(engine);
  wattle_sampling_params sampling = greedy();
  const int32_t eos = 1;
  const float never = -INFINITY;
  sampling.logit_bias_ids = &eos;
  sampling.logit_biases = &never;
  sampling.n_logit_bias = 1;
  std::promise<void> begun;
  std::thread other([&] {
    begun.get_future().wait();
    EXPECT_OK(wattle_session_cancel(session.get()));
  });
  struct State {
    std::promise<void>* begun;
    int n_calls = 0;
  } state{&begun};
  const AnswerPtr answer = complete(
      session, completion("Once upon a time", 0, sampling),
      [](void* user, wattle_delta_kind, const char*, size_t) {
        auto* s = static_cast<State*>(user);
        if (s->n_calls++ == 0) s->begun->set_value();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return 0;
      },
      &state);
  other.join();
  EXPECT_EQ(info_of(answer).stop, WATTLE_STOP_CANCELLED);
}

TEST(CApiAnswer, ASecondCallOfABusySessionIsRefused) {
  const EnginePtr engine = open_stories();
  const SessionPtr session = new_session(engine);
  const wattle_sampling_params sampling = greedy();
  struct State {
    wattle_session* session;
    const wattle_sampling_params* sampling;
    wattle_status inner = WATTLE_OK;
  } state{session.get(), &sampling};
  const AnswerPtr answer = complete(
      session, completion("Once upon a time", 5, sampling),
      [](void* user, wattle_delta_kind, const char*, size_t) {
        auto* s = static_cast<State*>(user);
        wattle_completion_request request = completion("One day", 5, *s->sampling);
        wattle_answer* inner = nullptr;
        s->inner = wattle_session_complete(s->session, &request, nullptr, nullptr, &inner);
        EXPECT_EQ(inner, nullptr);
        return 0;
      },
      &state);
  EXPECT_EQ(state.inner, WATTLE_USAGE);
  EXPECT_EQ(info_of(answer).n_generated, 5u);
  EXPECT_EQ(info_of(complete(session, completion("One day", 2, sampling))).n_generated, 2u);
}

TEST(CApiAnswer, SessionsAndAnswersOutliveWhatTheyCameFrom) {
  EnginePtr engine = open_stories();
  SessionPtr session = new_session(engine);
  engine.reset();
  const wattle_sampling_params sampling = greedy();
  const AnswerPtr answer = complete(session, completion("Once upon a time", 5, sampling));
  const std::string text = wattle_answer_text(answer.get());
  session.reset();
  EXPECT_EQ(text, wattle_answer_text(answer.get()));
  wattle_tool_call call;
  EXPECT_EQ(wattle_answer_tool_call(answer.get(), 0, &call), WATTLE_USAGE);
}

TEST(CApiAnswer, SavedSessionsGoOn) {
  const TempDir dir;
  const std::string path = (dir.path() / "session").string();
  const EnginePtr engine = open_stories();
  const SessionPtr first = new_session(engine);
  const wattle_sampling_params sampling = greedy();
  const AnswerPtr begun = complete(first, completion("Once upon a time", 8, sampling));
  EXPECT_OK(wattle_session_save(first.get(), path.c_str(), "a note"));

  const EnginePtr other = open_stories();
  const SessionPtr second = new_session(other);
  int32_t has_cache = 0;
  char note[8] = "~~~~~~~";
  size_t n_note = 0;
  EXPECT_OK(wattle_session_restore(second.get(), path.c_str(), &has_cache, note, 4, &n_note));
  EXPECT_EQ(has_cache, 1);
  EXPECT_EQ(n_note, 6u);
  EXPECT_STREQ(note, "a no~~~");
  const std::string text = std::string("Once upon a time") + wattle_answer_text(begun.get());
  const AnswerPtr more = complete(second, completion(text.c_str(), 4, sampling));
  EXPECT_GT(info_of(more).n_prompt_cached, 4u);

  EXPECT_EQ(wattle_session_restore(second.get(), "/no/such/file", &has_cache, note, 4, &n_note),
            WATTLE_IO);
  EXPECT_EQ(has_cache, 0);
  EXPECT_EQ(n_note, 0u);
}

TEST(CApiAnswer, ContextShiftGoesPastTheContext) {
  wattle_engine_params params = engine_params();
  params.n_ctx = 64;
  const EnginePtr engine = open_stories(params);
  const SessionPtr session = new_session(engine);
  const wattle_sampling_params sampling = greedy();
  wattle_completion_request request = completion("Once upon a time", 100, sampling);
  EXPECT_EQ(info_of(complete(session, request)).stop, WATTLE_STOP_CONTEXT_FULL);
  request.context_shift = 1;
  request.n_keep = 4;
  const wattle_answer_info info = info_of(complete(session, request));
  EXPECT_NE(info.stop, WATTLE_STOP_CONTEXT_FULL);
  EXPECT_GT(info.n_forgotten, 0u);
}

TEST(CApiAnswer, ToolCallsAndReasoningAreHandedOut) {
  const wattle_answer answer{
      .answer = {.message = {.reasoning = "hm",
                             .tool_calls = {{.id = "1", .name = "f", .arguments_json = "{}"},
                                            {.name = "g", .arguments_json = "{\"a\":1}"}}}}};
  EXPECT_STREQ(wattle_answer_reasoning(&answer), "hm");
  ASSERT_EQ(wattle_answer_n_tool_calls(&answer), 2u);
  wattle_tool_call call;
  EXPECT_OK(wattle_answer_tool_call(&answer, 1, &call));
  EXPECT_STREQ(call.id, "");
  EXPECT_STREQ(call.name, "g");
  EXPECT_STREQ(call.arguments_json, "{\"a\":1}");
}

TEST(CApiAnswer, WithoutSamplingTheModelsRecommendationHolds) {
  const EnginePtr engine = open_stories();
  wattle_sampling_params sampling = greedy();
  EXPECT_OK(wattle_engine_recommended_sampling(engine.get(), &sampling));
  EXPECT_GT(sampling.temperature, 0.0f);
  const SessionPtr session = new_session(engine);
  wattle_completion_request request = completion("One day", 3, sampling);
  request.sampling = nullptr;
  EXPECT_EQ(info_of(complete(session, request)).n_generated, 3u);
}

}  // namespace
}  // namespace wattle
