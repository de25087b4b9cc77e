// SPDX-License-Identifier: Apache-2.0
// The vector of a text.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "c_api/guard.h"
#include "c_api/handles.h"

using namespace wattle;
using namespace wattle::c_api;

namespace {

std::optional<Pooling> pooling_of(wattle_pooling pooling) {
  switch (pooling) {
    case WATTLE_POOLING_DEFAULT: return std::nullopt;
    case WATTLE_POOLING_MEAN: return Pooling::mean;
    case WATTLE_POOLING_FIRST: return Pooling::first;
    case WATTLE_POOLING_LAST: return Pooling::last;
    default:
      throw Error(ErrorCode::usage, fmt::format("pooling is {}", pooling),
                  "WATTLE_POOLING_DEFAULT, _MEAN, _FIRST or _LAST");
  }
}

}  // namespace

extern "C" {

wattle_status wattle_embed(wattle_engine* engine, const char* text, wattle_pooling pooling,
                           int32_t normalize, float* values, size_t capacity) {
  return guarded([&] {
    require(engine, "engine");
    require(text, "text");
    require(values, "values");
    const uint32_t n_embd = engine->engine->model().n_embd;
    if (capacity < n_embd) {
      throw Error(ErrorCode::usage,
                  fmt::format("room for {} numbers, but an embedding has {}", capacity, n_embd),
                  "n_embd of wattle_engine_model_info() says how many");
    }
    const Embedding made =
        engine->engine->embed(text, {.pooling = pooling_of(pooling), .normalize = normalize != 0});
    std::copy(made.values.begin(), made.values.end(), values);
  });
}

}  // extern "C"
