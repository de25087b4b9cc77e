// SPDX-License-Identifier: Apache-2.0
// Structs of the C API and their counterparts in C++. Everything throws Error{usage} for null
// pointers and numbers that stand for nothing.
#pragma once

#include "wattle/engine.h"
#include "wattle/wattle.h"

namespace wattle::c_api {

wattle_sampling_params to_c(const SamplingParams& params) noexcept;
SamplingParams from_c(const wattle_sampling_params& params);

wattle_engine_params default_engine_params() noexcept;
EngineParams from_c(const wattle_engine_params& params);

wattle_chat_request default_chat_request() noexcept;
ChatRequest from_c(const wattle_chat_request& request, const Engine& engine);

wattle_completion_request default_completion_request() noexcept;
CompletionRequest from_c(const wattle_completion_request& request, const Engine& engine);

}  // namespace wattle::c_api
