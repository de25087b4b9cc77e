// SPDX-License-Identifier: Apache-2.0
#include "c_api/requests.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "c_api/guard.h"
#include "c_api/sized.h"

namespace wattle::c_api {
namespace {

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

std::vector<std::string> texts(const char* const* array, size_t n, const char* name) {
  std::vector<std::string> out;
  if (n != 0) require(array, name);
  for (size_t i = 0; i < n; ++i) {
    if (array[i] == nullptr) {
      throw Error(ErrorCode::usage, fmt::format("{}[{}] is null", name, i));
    }
    out.emplace_back(array[i]);
  }
  return out;
}

KvCacheType kv_type_of(wattle_kv_type type, const char* name) {
  switch (type) {
    case WATTLE_KV_F32: return KvCacheType::f32;
    case WATTLE_KV_F16: return KvCacheType::f16;
    case WATTLE_KV_Q8_0: return KvCacheType::q8_0;
    default:
      throw Error(ErrorCode::usage, fmt::format("{} is {}, which is no type of cache", name, type),
                  "WATTLE_KV_F32, WATTLE_KV_F16 or WATTLE_KV_Q8_0");
  }
}

wattle_kv_type kv_type_of(KvCacheType type) noexcept {
  switch (type) {
    case KvCacheType::f32: return WATTLE_KV_F32;
    case KvCacheType::f16: return WATTLE_KV_F16;
    case KvCacheType::q8_0: return WATTLE_KV_Q8_0;
  }
  return WATTLE_KV_F16;
}

NpuDriver npu_driver_of(wattle_npu_driver driver) {
  switch (driver) {
    case WATTLE_NPU_OFF: return NpuDriver::off;
    case WATTLE_NPU_AUTO: return NpuDriver::automatic;
    case WATTLE_NPU_SIMULATOR: return NpuDriver::simulator;
    case WATTLE_NPU_VENDOR: return NpuDriver::vendor;
    case WATTLE_NPU_ROCKET: return NpuDriver::rocket;
    default:
      throw Error(ErrorCode::usage, fmt::format("npu is {}, which is no driver", driver),
                  "WATTLE_NPU_OFF, _AUTO, _SIMULATOR, _VENDOR or _ROCKET");
  }
}

NpuArithmetic npu_arithmetic_of(wattle_npu_arithmetic arithmetic) {
  switch (arithmetic) {
    case WATTLE_NPU_BY_MATRIX: return NpuArithmetic::by_matrix;
    case WATTLE_NPU_W16A16: return NpuArithmetic::w16a16;
    case WATTLE_NPU_W8A8: return NpuArithmetic::w8a8;
    case WATTLE_NPU_W4A8: return NpuArithmetic::w4a8;
    default:
      throw Error(ErrorCode::usage,
                  fmt::format("npu_arithmetic is {}, which is no arithmetic", arithmetic),
                  "WATTLE_NPU_BY_MATRIX, _W16A16, _W8A8 or _W4A8");
  }
}

NpuObjective npu_objective_of(wattle_npu_objective objective) {
  switch (objective) {
    case WATTLE_NPU_SPEED: return NpuObjective::speed;
    case WATTLE_NPU_ENERGY: return NpuObjective::energy;
    default:
      throw Error(ErrorCode::usage, fmt::format("npu_objective is {}", objective),
                  "WATTLE_NPU_SPEED or WATTLE_NPU_ENERGY");
  }
}

MatrixPrecision precision_of(wattle_precision precision) {
  switch (precision) {
    case WATTLE_PRECISION_OF_MODEL: return MatrixPrecision::of_model;
    case WATTLE_PRECISION_NORMAL: return MatrixPrecision::normal;
    case WATTLE_PRECISION_FINE: return MatrixPrecision::fine;
    default:
      throw Error(ErrorCode::usage, fmt::format("precision is {}", precision),
                  "a value of WATTLE_PRECISION_...");
  }
}

std::optional<bool> thinking_of(wattle_thinking thinking) {
  switch (thinking) {
    case WATTLE_THINKING_DEFAULT: return std::nullopt;
    case WATTLE_THINKING_ON: return true;
    case WATTLE_THINKING_OFF: return false;
    default:
      throw Error(ErrorCode::usage, fmt::format("thinking is {}", thinking),
                  "WATTLE_THINKING_DEFAULT, _ON or _OFF");
  }
}

std::optional<ContextShift> context_shift_of(int32_t wanted, uint32_t n_keep) {
  if (wanted == 0) return std::nullopt;
  return ContextShift{.n_keep = n_keep};
}

SamplingParams sampling_of(const wattle_sampling_params* sampling, const Engine& engine) {
  if (sampling == nullptr) return engine.recommended_sampling();
  return from_c(read_sized(sampling, to_c(SamplingParams{}), "sampling"));
}

Message message_of(const wattle_message& in) {
  Message message{.role = text_or_empty(in.role),
                  .content = text_or_empty(in.content),
                  .reasoning = text_or_empty(in.reasoning),
                  .tool_call_id = text_or_empty(in.tool_call_id),
                  .name = text_or_empty(in.name)};
  if (in.n_tool_calls != 0) require(in.tool_calls, "message.tool_calls");
  for (size_t i = 0; i < in.n_tool_calls; ++i) {
    const wattle_tool_call& call = in.tool_calls[i];
    message.tool_calls.push_back({.id = text_or_empty(call.id),
                                  .name = text_or_empty(call.name),
                                  .arguments_json = text_or_empty(call.arguments_json)});
  }
  return message;
}

}  // namespace

wattle_sampling_params to_c(const SamplingParams& p) noexcept {
  wattle_sampling_params out{};
  out.size = sizeof out;
  out.seed = p.seed.value_or(0);
  out.has_seed = p.seed.has_value();
  out.temperature = p.temperature;
  out.top_k = p.top_k;
  out.top_p = p.top_p;
  out.min_p = p.min_p;
  out.typical_p = p.typical_p;
  out.repeat_last_n = p.repeat_last_n;
  out.repeat_penalty = p.repeat_penalty;
  out.frequency_penalty = p.frequency_penalty;
  out.presence_penalty = p.presence_penalty;
  out.dry_multiplier = p.dry_multiplier;
  out.dry_base = p.dry_base;
  out.dry_allowed_length = p.dry_allowed_length;
  out.dry_penalty_last_n = p.dry_penalty_last_n;
  // Lists stay null, which stands for the defaults: a file recommends numbers only.
  return out;
}

SamplingParams from_c(const wattle_sampling_params& in) {
  SamplingParams p;
  if (in.has_seed != 0) p.seed = in.seed;
  p.temperature = in.temperature;
  p.top_k = in.top_k;
  p.top_p = in.top_p;
  p.min_p = in.min_p;
  p.typical_p = in.typical_p;
  p.repeat_last_n = in.repeat_last_n;
  p.repeat_penalty = in.repeat_penalty;
  p.frequency_penalty = in.frequency_penalty;
  p.presence_penalty = in.presence_penalty;
  p.dry_multiplier = in.dry_multiplier;
  p.dry_base = in.dry_base;
  p.dry_allowed_length = in.dry_allowed_length;
  p.dry_penalty_last_n = in.dry_penalty_last_n;
  if (in.dry_sequence_breakers != nullptr || in.n_dry_sequence_breakers != 0) {
    p.dry_sequence_breakers =
        texts(in.dry_sequence_breakers, in.n_dry_sequence_breakers, "dry_sequence_breakers");
  }
  if (in.n_logit_bias != 0) {
    require(in.logit_bias_ids, "logit_bias_ids");
    require(in.logit_biases, "logit_biases");
  }
  for (size_t i = 0; i < in.n_logit_bias; ++i) {
    p.logit_bias.emplace_back(static_cast<TokenId>(in.logit_bias_ids[i]), in.logit_biases[i]);
  }
  if (in.grammar != nullptr) p.grammar = in.grammar;
  if (in.json_schema != nullptr) p.json_schema = in.json_schema;
  return p;
}

wattle_engine_params default_engine_params() noexcept {
  const EngineParams defaults;
  wattle_engine_params out{};
  out.size = sizeof out;
  out.n_ctx = defaults.n_ctx;
  out.n_batch = defaults.n_batch;
  out.n_threads = defaults.n_threads;
  out.pin_threads = defaults.pin_threads;
  out.kv_k = kv_type_of(defaults.kv_k);
  out.kv_v = kv_type_of(defaults.kv_v);
  return out;
}

EngineParams from_c(const wattle_engine_params& in) {
  require(in.model, "params->model");
  EngineParams p;
  p.model = in.model;
  p.n_ctx = in.n_ctx;
  p.n_batch = in.n_batch;
  p.n_threads = in.n_threads;
  p.pin_threads = in.pin_threads != 0;
  p.kv_k = kv_type_of(in.kv_k, "kv_k");
  p.kv_v = kv_type_of(in.kv_v, "kv_v");
  p.npu.driver = npu_driver_of(in.npu);
  p.npu.arithmetic = npu_arithmetic_of(in.npu_arithmetic);
  p.npu.min_rows = in.npu_min_rows;
  p.npu.objective = npu_objective_of(in.npu_objective);
  p.npu.max_watts = in.npu_max_watts;
  if (in.npu_max_divergence != 0) p.npu.max_divergence = in.npu_max_divergence;
  p.npu.max_bytes = in.npu_max_bytes;
  p.precision = precision_of(in.precision);
  p.chat_template = text_or_empty(in.chat_template);
  if (in.on_progress != nullptr) {
    p.on_load_progress = [call = in.on_progress, user = in.user_data](uint64_t done, uint64_t all) {
      return call(user, done, all) == 0;
    };
  }
  if (in.on_log != nullptr) {
    p.log = [call = in.on_log, user = in.user_data](LogLevel level, std::string_view line) {
      const wattle_log_level number = level == LogLevel::debug  ? WATTLE_LOG_DEBUG
                                      : level == LogLevel::info ? WATTLE_LOG_INFO
                                                                : WATTLE_LOG_WARNING;
      call(user, number, std::string(line).c_str());
    };
  }
  return p;
}

wattle_chat_request default_chat_request() noexcept {
  wattle_chat_request out{};
  out.size = sizeof out;
  return out;
}

ChatRequest from_c(const wattle_chat_request& in, const Engine& engine) {
  if (in.n_messages != 0) require(in.messages, "request->messages");
  ChatRequest request;
  for (size_t i = 0; i < in.n_messages; ++i) {
    request.messages.push_back(message_of(in.messages[i]));
  }
  request.tools_json = text_or_empty(in.tools_json);
  request.enable_thinking = thinking_of(in.thinking);
  request.sampling = sampling_of(in.sampling, engine);
  request.n_predict = in.n_predict;
  request.stop = texts(in.stop, in.n_stop, "request->stop");
  request.context_shift = context_shift_of(in.context_shift, in.n_keep);
  return request;
}

wattle_completion_request default_completion_request() noexcept {
  wattle_completion_request out{};
  out.size = sizeof out;
  out.parse_special = CompletionRequest{}.parse_special;
  return out;
}

CompletionRequest from_c(const wattle_completion_request& in, const Engine& engine) {
  require(in.prompt, "request->prompt");
  return {.prompt = in.prompt,
          .parse_special = in.parse_special != 0,
          .sampling = sampling_of(in.sampling, engine),
          .n_predict = in.n_predict,
          .stop = texts(in.stop, in.n_stop, "request->stop"),
          .context_shift = context_shift_of(in.context_shift, in.n_keep)};
}

}  // namespace wattle::c_api
