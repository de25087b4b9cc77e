// SPDX-License-Identifier: Apache-2.0
// What must not be: a status and a message each time, never a crash.
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/c_api/handles.h"

namespace wattle {
namespace {

using namespace test;

#define EXPECT_USAGE(call, name)                                                      \
  do {                                                                                \
    EXPECT_EQ((call), WATTLE_USAGE);                                                  \
    EXPECT_EQ(wattle_last_error(), WATTLE_USAGE);                                     \
    EXPECT_NE(std::string(wattle_last_error_message()).find(name), std::string::npos) \
        << wattle_last_error_message();                                               \
  } while (false)

int32_t go_on(void*, size_t, const float*, size_t) { return 0; }

TEST(CApiMisuse, NullArgumentsAreErrorsWithTheirName) {
  const EnginePtr engine = open_stories();
  const SessionPtr session = new_session(engine);
  wattle_engine_params params = engine_params();
  wattle_engine* no_engine = nullptr;
  wattle_session* no_session = nullptr;
  wattle_answer* no_answer = nullptr;
  wattle_tool_call call{};
  size_t n = 0;
  int32_t id = 0;

  EXPECT_USAGE(wattle_sampling_params_init(nullptr, sizeof(wattle_sampling_params)), "params");
  EXPECT_USAGE(wattle_engine_params_init(nullptr, sizeof(wattle_engine_params)), "params");
  EXPECT_USAGE(wattle_chat_request_init(nullptr, sizeof(wattle_chat_request)), "request");
  EXPECT_USAGE(wattle_completion_request_init(nullptr, 56), "request");
  EXPECT_USAGE(wattle_engine_open(nullptr, &no_engine), "params");
  EXPECT_USAGE(wattle_engine_open(&params, nullptr), "out");
  EXPECT_USAGE(wattle_engine_open(&params, &no_engine), "model");
  EXPECT_USAGE(wattle_engine_model_info(nullptr, nullptr), "engine");
  EXPECT_USAGE(wattle_engine_model_info(engine.get(), nullptr), "info");
  EXPECT_USAGE(wattle_engine_recommended_sampling(nullptr, nullptr), "engine");
  EXPECT_USAGE(wattle_engine_recommended_sampling(engine.get(), nullptr), "params");
  EXPECT_USAGE(wattle_engine_npu_info(nullptr, nullptr), "engine");
  EXPECT_USAGE(wattle_engine_npu_info(engine.get(), nullptr), "info");
  EXPECT_USAGE(wattle_session_new(nullptr, &no_session), "engine");
  EXPECT_USAGE(wattle_session_new(engine.get(), nullptr), "out");
  EXPECT_USAGE(wattle_session_cancel(nullptr), "session");
  EXPECT_USAGE(wattle_session_chat(nullptr, nullptr, nullptr, nullptr, &no_answer), "session");
  EXPECT_USAGE(wattle_session_chat(session.get(), nullptr, nullptr, nullptr, &no_answer),
               "request");
  EXPECT_USAGE(wattle_session_chat(session.get(), nullptr, nullptr, nullptr, nullptr), "out");
  EXPECT_USAGE(wattle_session_complete(nullptr, nullptr, nullptr, nullptr, &no_answer), "session");
  EXPECT_USAGE(wattle_session_complete(session.get(), nullptr, nullptr, nullptr, nullptr), "out");
  EXPECT_USAGE(wattle_session_complete(session.get(), nullptr, nullptr, nullptr, &no_answer),
               "request");
  int32_t has_cache = 0;
  EXPECT_USAGE(wattle_session_save(nullptr, "x", nullptr), "session");
  EXPECT_USAGE(wattle_session_save(session.get(), nullptr, nullptr), "path");
  EXPECT_USAGE(wattle_session_restore(nullptr, "x", &has_cache, nullptr, 0, &n), "session");
  EXPECT_USAGE(wattle_session_restore(session.get(), nullptr, &has_cache, nullptr, 0, &n), "path");
  EXPECT_USAGE(wattle_session_restore(session.get(), "x", nullptr, nullptr, 0, &n), "has_cache");
  EXPECT_USAGE(wattle_session_restore(session.get(), "x", &has_cache, nullptr, 0, nullptr),
               "n_note");
  EXPECT_USAGE(wattle_session_restore(session.get(), "x", &has_cache, nullptr, 1, &n), "note");
  float value = 0;
  EXPECT_USAGE(wattle_embed(nullptr, "x", 0, 1, &value, 1), "engine");
  EXPECT_USAGE(wattle_embed(engine.get(), nullptr, 0, 1, &value, 1), "text");
  EXPECT_USAGE(wattle_embed(engine.get(), "x", 0, 1, nullptr, 0), "values");
  EXPECT_USAGE(wattle_embed(engine.get(), "x", 0, 1, &value, 1), "room for 1 numbers");
  EXPECT_USAGE(wattle_answer_get_info(nullptr, nullptr), "answer");
  EXPECT_USAGE(wattle_answer_tool_call(nullptr, 0, &call), "answer");
  EXPECT_USAGE(wattle_tokenize(nullptr, "a", 1, 0, nullptr, 0, &n), "engine");
  EXPECT_USAGE(wattle_tokenize(engine.get(), nullptr, 1, 0, nullptr, 0, &n), "text");
  EXPECT_USAGE(wattle_tokenize(engine.get(), "a", 1, 0, nullptr, 1, &n), "ids");
  EXPECT_USAGE(wattle_tokenize(engine.get(), "a", 1, 0, nullptr, 0, nullptr), "n_ids");
  EXPECT_USAGE(wattle_token_bytes(nullptr, 0, nullptr, 0, &n), "engine");
  EXPECT_USAGE(wattle_token_bytes(engine.get(), 3, nullptr, 1, &n), "bytes");
  EXPECT_USAGE(wattle_token_bytes(engine.get(), 3, nullptr, 0, nullptr), "n_bytes");
  EXPECT_USAGE(wattle_logits(nullptr, &id, 1, 0, go_on, nullptr), "engine");
  EXPECT_USAGE(wattle_logits(engine.get(), nullptr, 1, 0, go_on, nullptr), "ids");
  EXPECT_USAGE(wattle_logits(engine.get(), &id, 1, 0, nullptr, nullptr), "on_logits");

  EXPECT_EQ(no_engine, nullptr);
  EXPECT_EQ(no_session, nullptr);
  EXPECT_EQ(no_answer, nullptr);
  EXPECT_STREQ(wattle_answer_text(nullptr), "");
  EXPECT_STREQ(wattle_answer_reasoning(nullptr), "");
  EXPECT_EQ(wattle_answer_n_tool_calls(nullptr), 0u);
  wattle_engine_free(nullptr);
  wattle_session_free(nullptr);
  wattle_answer_free(nullptr);
}

TEST(CApiMisuse, NullsInsideRequestsAreErrors) {
  const EnginePtr engine = open_stories();
  const SessionPtr session = new_session(engine);
  const wattle_sampling_params sampling = greedy();
  wattle_answer* answer = nullptr;
  const auto complete = [&](const wattle_completion_request& request) {
    return wattle_session_complete(session.get(), &request, nullptr, nullptr, &answer);
  };
  wattle_completion_request request = completion(nullptr, 4, sampling);
  EXPECT_USAGE(complete(request), "prompt");
  request.prompt = "One day";
  request.n_stop = 1;
  EXPECT_USAGE(complete(request), "stop");
  const char* const texts[] = {nullptr};
  request.stop = texts;
  EXPECT_USAGE(complete(request), "stop[0]");
  request.n_stop = 0;
  wattle_sampling_params biased = sampling;
  biased.n_logit_bias = 1;
  request.sampling = &biased;
  EXPECT_USAGE(complete(request), "logit_bias_ids");
  wattle_sampling_params unsized{};
  request.sampling = &unsized;
  EXPECT_USAGE(complete(request), "sampling->size");

  wattle_chat_request chat;
  EXPECT_OK(wattle_chat_request_init(&chat, sizeof chat));
  chat.n_messages = 1;
  EXPECT_USAGE(wattle_session_chat(session.get(), &chat, nullptr, nullptr, &answer), "messages");
  wattle_message message{};
  message.n_tool_calls = 1;
  chat.messages = &message;
  EXPECT_USAGE(wattle_session_chat(session.get(), &chat, nullptr, nullptr, &answer), "tool_calls");
  EXPECT_EQ(answer, nullptr);
}

TEST(CApiMisuse, NumbersThatStandForNothingAreErrors) {
  const std::string path = stories_path();
  wattle_engine* engine = nullptr;
  wattle_engine_params params = engine_params();
  params.model = path.c_str();
  params.kv_k = 3;
  EXPECT_USAGE(wattle_engine_open(&params, &engine), "kv_k is 3");
  EXPECT_EQ(engine, nullptr);
  params.kv_k = WATTLE_KV_F16;
  params.npu = 5;
  EXPECT_USAGE(wattle_engine_open(&params, &engine), "npu is 5");
  params.npu = WATTLE_NPU_SIMULATOR;
  params.npu_arithmetic = -1;
  EXPECT_USAGE(wattle_engine_open(&params, &engine), "npu_arithmetic is -1");
  params.npu_arithmetic = WATTLE_NPU_BY_MATRIX;
  params.npu_objective = 2;
  EXPECT_USAGE(wattle_engine_open(&params, &engine), "npu_objective is 2");
  params.npu_objective = WATTLE_NPU_ENERGY;
  params.precision = 3;
  EXPECT_USAGE(wattle_engine_open(&params, &engine), "precision is 3");
  params.precision = WATTLE_PRECISION_FINE;
  params.npu_max_watts = -1;
  EXPECT_EQ(wattle_engine_open(&params, &engine), WATTLE_USAGE);

  const EnginePtr open = open_stories();
  const SessionPtr session = new_session(open);
  wattle_answer* answer = nullptr;
  wattle_chat_request chat;
  EXPECT_OK(wattle_chat_request_init(&chat, sizeof chat));
  chat.thinking = 3;
  EXPECT_USAGE(wattle_session_chat(session.get(), &chat, nullptr, nullptr, &answer), "thinking");
  size_t n = 0;
  EXPECT_USAGE(wattle_tokenize(open.get(), "a", 1, 4, nullptr, 0, &n), "flags");
  EXPECT_USAGE(wattle_token_bytes(open.get(), -1, nullptr, 0, &n), "-1");
}

TEST(CApiMisuse, ErrorsCarryCodeMessageAndHint) {
  wattle_engine_params params = engine_params();
  params.model = "/no/such/model.gguf";
  wattle_engine* engine = nullptr;
  EXPECT_EQ(wattle_engine_open(&params, &engine), WATTLE_IO);
  EXPECT_EQ(wattle_last_error(), WATTLE_IO);
  EXPECT_NE(std::string(wattle_last_error_message()).find("/no/such/model.gguf"),
            std::string::npos);
  EXPECT_STRNE(wattle_last_error_hint(), "");
}

TEST(CApiMisuse, TheLastErrorBelongsToItsThread) {
  EXPECT_EQ(wattle_session_cancel(nullptr), WATTLE_USAGE);
  std::thread other([] {
    EXPECT_EQ(wattle_last_error(), WATTLE_OK);
    EXPECT_STREQ(wattle_last_error_message(), "");
    EXPECT_USAGE(wattle_engine_open(nullptr, nullptr), "out");
  });
  other.join();
  EXPECT_STREQ(wattle_last_error_message(), "'session' is null");
  const EnginePtr engine = open_stories();  // a call that succeeds leaves it alone
  EXPECT_STREQ(wattle_last_error_message(), "'session' is null");
}

}  // namespace
}  // namespace wattle
