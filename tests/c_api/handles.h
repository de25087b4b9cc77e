// SPDX-License-Identifier: Apache-2.0
// The model of the repository through the C API, freed at the end of a test.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/source_tree.h"
#include "wattle/wattle.h"

namespace wattle::test {

struct FreeEngine {
  void operator()(wattle_engine* engine) const { wattle_engine_free(engine); }
};
struct FreeSession {
  void operator()(wattle_session* session) const { wattle_session_free(session); }
};
struct FreeAnswer {
  void operator()(wattle_answer* answer) const { wattle_answer_free(answer); }
};
using EnginePtr = std::unique_ptr<wattle_engine, FreeEngine>;
using SessionPtr = std::unique_ptr<wattle_session, FreeSession>;
using AnswerPtr = std::unique_ptr<wattle_answer, FreeAnswer>;

// Fails the test with what wattle says.
#define EXPECT_OK(call) EXPECT_EQ((call), WATTLE_OK) << wattle_last_error_message()

inline std::string stories_path() { return stories_model().string(); }

// Without `model`.
inline wattle_engine_params engine_params() {
  wattle_engine_params params;
  EXPECT_OK(wattle_engine_params_init(&params, sizeof params));
  params.n_ctx = 256;
  params.n_threads = 2;
  return params;
}

inline EnginePtr open_stories(wattle_engine_params params = engine_params()) {
  const std::string path = stories_path();
  params.model = path.c_str();
  wattle_engine* engine = nullptr;
  EXPECT_OK(wattle_engine_open(&params, &engine));
  return EnginePtr(engine);
}

inline SessionPtr new_session(const EnginePtr& engine) {
  wattle_session* session = nullptr;
  EXPECT_OK(wattle_session_new(engine.get(), &session));
  return SessionPtr(session);
}

inline wattle_sampling_params greedy() {
  wattle_sampling_params params;
  EXPECT_OK(wattle_sampling_params_init(&params, sizeof params));
  params.temperature = 0.0f;
  return params;
}

// `sampling` must live as long as the request.
inline wattle_completion_request completion(const char* prompt, uint32_t n_predict,
                                            const wattle_sampling_params& sampling) {
  wattle_completion_request request;
  EXPECT_OK(wattle_completion_request_init(&request, sizeof request));
  request.prompt = prompt;
  request.n_predict = n_predict;
  request.sampling = &sampling;
  return request;
}

inline AnswerPtr complete(const SessionPtr& session, const wattle_completion_request& request,
                          wattle_delta_fn on_delta = nullptr, void* user_data = nullptr) {
  wattle_answer* answer = nullptr;
  EXPECT_OK(wattle_session_complete(session.get(), &request, on_delta, user_data, &answer));
  return AnswerPtr(answer);
}

inline wattle_answer_info info_of(const AnswerPtr& answer) {
  wattle_answer_info info;
  info.size = sizeof info;
  EXPECT_OK(wattle_answer_get_info(answer.get(), &info));
  return info;
}

}  // namespace wattle::test
