// SPDX-License-Identifier: Apache-2.0
#include "runtime/recommended_sampling.h"

#include <fmt/format.h>

#include "sampling/check_params.h"
#include "wattle/error.h"

namespace wattle::runtime {

SamplingParams recommended_sampling(const gguf::File& file) {
  const gguf::Metadata& keys = file.metadata();
  SamplingParams params;
  const auto take = [&]<class T>(const char* key, T& value) {
    if (const auto found = keys.find<T>(key)) value = *found;
  };
  take("general.sampling.temp", params.temperature);
  take("general.sampling.top_k", params.top_k);
  take("general.sampling.top_p", params.top_p);
  take("general.sampling.min_p", params.min_p);
  take("general.sampling.penalty_last_n", params.repeat_last_n);
  take("general.sampling.penalty_repeat", params.repeat_penalty);
  try {
    sampling::check_params(params, 0);
  } catch (const Error& e) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: keys 'general.sampling.*': {}", file.name(), e.what()), e.hint());
  }
  return params;
}

}  // namespace wattle::runtime
