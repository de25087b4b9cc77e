// SPDX-License-Identifier: Apache-2.0
#include "model/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <new>
#include <string>
#include <vector>

#include "wattle/error.h"

namespace wattle {
namespace {

constexpr const Architecture* kArchitectures[] = {
    &kGemma3, &kGemma4, &kLlama, &kQwen3, &kQwen3Moe,
};

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
  try {
    Weights weights(file, device, params.n_batch, params.on_progress);
    auto model = architecture_of(file).make(
        {.hparams = read_hparams(file), .weights = weights, .context = context, .device = device});
    weights.check_leftovers();
    return model;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory,
                fmt::format("{}: no memory for the buffers of a batch of {} rows", file.name(),
                            params.n_batch),
                "Use a smaller batch (-b).");
  }
}

}  // namespace wattle
