// SPDX-License-Identifier: Apache-2.0
// The architectures this build can run.
#pragma once

#include <memory>
#include <string_view>

#include "gguf/reader.h"
#include "model/hparams.h"
#include "model/model.h"
#include "model/weights.h"

namespace wattle {

// What a model is built from; borrowed but for the hyperparameters.
struct ModelSource {
  Hparams hparams;
  Weights& weights;
  EngineContext& context;
  Device& device;
};

struct Architecture {
  std::string_view name;  // general.architecture
  Hparams (*read_hparams)(const Keys& keys);
  std::unique_ptr<Model> (*make)(ModelSource source);
};

// One per file: llama.cpp, qwen3.cpp, ...
extern const Architecture kLlama;
extern const Architecture kQwen3;
extern const Architecture kQwen3Moe;
extern const Architecture kGemma3;
extern const Architecture kGemma4;

// The architecture the file names. Throws Error{unsupported} listing those there are.
const Architecture& architecture_of(const gguf::File& file);

// Hyperparameters without touching a weight.
Hparams read_hparams(const gguf::File& file);

}  // namespace wattle
