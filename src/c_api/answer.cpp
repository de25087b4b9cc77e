// SPDX-License-Identifier: Apache-2.0
// What an answer holds.
#include <fmt/format.h>

#include "c_api/guard.h"
#include "c_api/handles.h"
#include "c_api/sized.h"

using namespace wattle;
using namespace wattle::c_api;

namespace {

wattle_stop_reason stop_reason_of(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::end_of_text: return WATTLE_STOP_END_OF_TEXT;
    case StopReason::stop_text: return WATTLE_STOP_TEXT;
    case StopReason::length: return WATTLE_STOP_LENGTH;
    case StopReason::context_full: return WATTLE_STOP_CONTEXT_FULL;
    case StopReason::cancelled: return WATTLE_STOP_CANCELLED;
  }
  return WATTLE_STOP_CANCELLED;
}

}  // namespace

extern "C" {

wattle_status wattle_answer_get_info(const wattle_answer* answer, wattle_answer_info* info) {
  return guarded([&] {
    require(answer, "answer");
    require(info, "info");
    const Timings& timings = answer->answer.timings;
    wattle_answer_info value{};
    value.stop = stop_reason_of(answer->answer.stop);
    value.n_prompt = timings.n_prompt;
    value.n_prompt_cached = timings.n_prompt_cached;
    value.n_generated = timings.n_generated;
    value.n_forgotten = answer->answer.n_forgotten;
    value.seed = answer->answer.seed;
    value.prompt_ms = timings.prompt_ms;
    value.time_to_first_token_ms = timings.time_to_first_token_ms;
    value.generation_ms = timings.generation_ms;
    write_sized(value, info, info->size, "info");
  });
}

const char* wattle_answer_text(const wattle_answer* answer) {
  return answer == nullptr ? "" : answer->answer.message.content.c_str();
}

const char* wattle_answer_reasoning(const wattle_answer* answer) {
  return answer == nullptr ? "" : answer->answer.message.reasoning.c_str();
}

size_t wattle_answer_n_tool_calls(const wattle_answer* answer) {
  return answer == nullptr ? 0 : answer->answer.message.tool_calls.size();
}

wattle_status wattle_answer_tool_call(const wattle_answer* answer, size_t index,
                                      wattle_tool_call* out) {
  return guarded([&] {
    require(answer, "answer");
    require(out, "out");
    const auto& calls = answer->answer.message.tool_calls;
    if (index >= calls.size()) {
      throw Error(ErrorCode::usage,
                  fmt::format("tool call {} of an answer with {}", index, calls.size()));
    }
    const ToolCall& call = calls[index];
    *out = {call.id.c_str(), call.name.c_str(), call.arguments_json.c_str()};
  });
}

void wattle_answer_free(wattle_answer* answer) { delete answer; }

}  // extern "C"
