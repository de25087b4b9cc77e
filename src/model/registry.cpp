// SPDX-License-Identifier: Apache-2.0
#include "model/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <new>
#include <string>
#include <vector>

#include "model/activations.h"
#include "wattle/error.h"

namespace wattle {
namespace {

constexpr const Architecture* kArchitectures[] = {
    &kGemma3, &kGemma4, &kLlama, &kQwen3, &kQwen3Moe,
};

[[noreturn]] void throw_no_memory(const gguf::File& file, size_t n_batch, const std::string& why) {
  throw Error(ErrorCode::out_of_memory,
              fmt::format("{}: buffers for a batch of {} rows: {}", file.name(), n_batch, why),
              "use a smaller batch (-b)");
}

}  // namespace

const Architecture& architecture_of(const gguf::File& file) {
  const auto name = file.metadata().get<std::string_view>("general.architecture");
  std::vector<std::string_view> supported;
  for (const Architecture* architecture : kArchitectures) {
    if (architecture->name == name) return *architecture;
    supported.push_back(architecture->name);
  }
  throw Error(ErrorCode::unsupported, fmt::format("{}: architecture '{}', supported: {}",
                                                  file.name(), name, fmt::join(supported, ", ")));
}

Hparams read_hparams(const gguf::File& file) {
  const Architecture& architecture = architecture_of(file);
  return architecture.read_hparams(Keys(file, std::string(architecture.name)));
}

std::unique_ptr<Model> load_model(const gguf::File& file, Device& device, EngineContext& context,
                                  const ModelParams& params) {
  if (params.n_batch == 0) {
    throw Error(ErrorCode::usage, "batch of 0 rows, expected at least 1");
  }
  Hparams hparams = read_hparams(file);
  const uint64_t buffer_bytes = activation_bytes(hparams, params.n_batch);
  if (buffer_bytes > params.max_buffer_bytes) {
    throw_no_memory(file, params.n_batch,
                    fmt::format("need {} MiB, {} MiB are free", buffer_bytes >> 20,
                                params.max_buffer_bytes >> 20));
  }
  try {
    Weights weights(file, device, params.n_batch, params.precision);
    auto model = architecture_of(file).make(
        {.hparams = std::move(hparams), .weights = weights, .context = context, .device = device});
    weights.check_leftovers();
    return model;
  } catch (const std::bad_alloc&) {
    throw_no_memory(file, params.n_batch, "the system has no more memory");
  }
}

}  // namespace wattle
