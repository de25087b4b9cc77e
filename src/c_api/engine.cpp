// SPDX-License-Identifier: Apache-2.0
// Opening a model, and what it says of itself.
#include <memory>

#include "c_api/guard.h"
#include "c_api/handles.h"
#include "c_api/requests.h"
#include "c_api/sized.h"

using namespace wattle;
using namespace wattle::c_api;

extern "C" {

wattle_status wattle_sampling_params_init(wattle_sampling_params* params, size_t size) {
  return guarded([&] { write_sized(to_c(SamplingParams{}), params, size, "params"); });
}

wattle_status wattle_engine_params_init(wattle_engine_params* params, size_t size) {
  return guarded([&] { write_sized(default_engine_params(), params, size, "params"); });
}

wattle_status wattle_engine_open(const wattle_engine_params* params, wattle_engine** out) {
  return guarded([&] {
    require(out, "out");
    *out = nullptr;
    const EngineParams given = from_c(read_sized(params, default_engine_params(), "params"));
    *out = new wattle_engine{std::make_shared<Engine>(given)};
  });
}

void wattle_engine_free(wattle_engine* engine) { delete engine; }

wattle_status wattle_engine_model_info(const wattle_engine* engine, wattle_model_info* info) {
  return guarded([&] {
    require(engine, "engine");
    require(info, "info");
    const ModelInfo& model = engine->engine->model();
    wattle_model_info value{};
    value.name = model.name.c_str();
    value.architecture = model.architecture.c_str();
    value.n_vocab = model.n_vocab;
    value.n_ctx_train = model.n_ctx_train;
    value.n_ctx = engine->engine->n_ctx();
    value.n_embd = model.n_embd;
    value.has_chat_template = model.has_chat_template;
    value.n_params = model.n_params;
    value.size_bytes = model.size_bytes;
    write_sized(value, info, info->size, "info");
  });
}

wattle_status wattle_engine_npu_info(const wattle_engine* engine, wattle_npu_info* info) {
  return guarded([&] {
    require(engine, "engine");
    require(info, "info");
    wattle_npu_info value{};
    if (const auto npu = engine->engine->npu()) {
      value.has_npu = 1;
      value.is_silicon = npu->is_silicon;
      value.in_use = npu->in_use;
      value.n_matrices = npu->n_matrices;
      value.n_on_npu = npu->n_on_npu;
      value.n_streamed = npu->n_streamed;
      value.n_missed = npu->n_missed;
      value.n_bytes = npu->n_bytes;
      value.n_faults = npu->n_faults;
      value.n_submits = npu->n_submits;
      value.busy_ms = npu->busy_ms;
      value.energy_mj = npu->energy_mj.value_or(-1);
      value.is_projection = npu->is_projection;
    }
    write_sized(value, info, info->size, "info");
  });
}

wattle_status wattle_engine_recommended_sampling(const wattle_engine* engine,
                                                 wattle_sampling_params* params) {
  return guarded([&] {
    require(engine, "engine");
    require(params, "params");
    write_sized(to_c(engine->engine->recommended_sampling()), params, params->size, "params");
  });
}

}  // extern "C"
