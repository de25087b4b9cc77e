// SPDX-License-Identifier: Apache-2.0
// Sources: the configuration files of the models on the hub, and the keys of their GGUF files.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/letter_case.h"
#include "measure/synth_shape.h"
#include "wattle/error.h"

namespace wattle::measure {
namespace {

// clang-format off
constexpr SynthShape kPresets[] = {
    {.name = "gemma4-26b-a4b", .arch = "gemma4",
     .n_layer = 30, .n_embd = 2816, .n_head = 16, .n_head_kv = 8, .head_dim = 256,
     .n_ff = 2112, .n_vocab = 262144, .n_ctx_train = 262144, .rope_freq_base = 1e6f,
     .n_expert = 128, .n_expert_used = 8, .n_ff_exp = 704,
     .n_swa = 1024, .swa_period = 6,
     .n_head_kv_full = 2, .head_dim_full = 512, .full_has_v = false},
    {.name = "gemma4-e2b", .arch = "gemma4",
     .n_layer = 35, .n_embd = 1536, .n_head = 8, .n_head_kv = 1, .head_dim = 256,
     .n_ff = 6144, .n_vocab = 262144, .n_ctx_train = 131072, .rope_freq_base = 1e6f,
     .n_swa = 512, .swa_period = 5,
     .n_head_kv_full = 1, .head_dim_full = 512,
     .n_layer_shared_kv = 20, .n_ff_shared = 12288, .n_embd_per_layer = 256},
    {.name = "gemma4-e4b", .arch = "gemma4",
     .n_layer = 42, .n_embd = 2560, .n_head = 8, .n_head_kv = 2, .head_dim = 256,
     .n_ff = 10240, .n_vocab = 262144, .n_ctx_train = 131072, .rope_freq_base = 1e6f,
     .n_swa = 512, .swa_period = 6,
     .n_head_kv_full = 2, .head_dim_full = 512,
     .n_layer_shared_kv = 18, .n_embd_per_layer = 256},
    {.name = "gemma4-31b", .arch = "gemma4",
     .n_layer = 60, .n_embd = 5376, .n_head = 32, .n_head_kv = 16, .head_dim = 256,
     .n_ff = 21504, .n_vocab = 262144, .n_ctx_train = 262144, .rope_freq_base = 1e6f,
     .n_swa = 1024, .swa_period = 6,
     .n_head_kv_full = 4, .head_dim_full = 512, .full_has_v = false},
    {.name = "gemma3-1b", .arch = "gemma3",
     .n_layer = 26, .n_embd = 1152, .n_head = 4, .n_head_kv = 1, .head_dim = 256,
     .n_ff = 6912, .n_vocab = 262144, .n_ctx_train = 32768, .rope_freq_base = 1e6f,
     .n_swa = 512, .swa_period = 6},
    {.name = "qwen3-0.6b", .arch = "qwen3",
     .n_layer = 28, .n_embd = 1024, .n_head = 16, .n_head_kv = 8, .head_dim = 128,
     .n_ff = 3072, .n_vocab = 151936, .n_ctx_train = 40960, .rope_freq_base = 1e6f},
    {.name = "qwen3-30b-a3b", .arch = "qwen3moe",
     .n_layer = 48, .n_embd = 2048, .n_head = 32, .n_head_kv = 4, .head_dim = 128,
     .n_ff = 6144, .n_vocab = 151936, .n_ctx_train = 40960, .rope_freq_base = 1e6f,
     .tied_output = false, .n_expert = 128, .n_expert_used = 8, .n_ff_exp = 768},
    {.name = "llama-1b", .arch = "llama",
     .n_layer = 16, .n_embd = 2048, .n_head = 32, .n_head_kv = 8, .head_dim = 64,
     .n_ff = 8192, .n_vocab = 128256, .n_ctx_train = 131072, .rope_freq_base = 5e5f,
     .rms_eps = 1e-5f},
};
// clang-format on

}  // namespace

std::span<const SynthShape> synth_presets() noexcept { return kPresets; }

const SynthShape& find_synth_preset(std::string_view name) {
  const std::string wanted = lower_case(name);
  std::string names;
  for (const SynthShape& shape : kPresets) {
    if (wanted == shape.name || wanted == shape.name.substr(shape.name.find('-') + 1)) return shape;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", shape.name);
  }
  throw Error(ErrorCode::usage, fmt::format("no preset is called '{}'", name),
              fmt::format("there are: {}", names));
}

SynthShape with_layers(const SynthShape& shape, uint32_t n_layer) {
  if (n_layer == 0 || n_layer > shape.n_layer) {
    throw Error(ErrorCode::usage, fmt::format("{} layers of {}", n_layer, shape.name),
                fmt::format("1 to {}", shape.n_layer));
  }
  SynthShape cut = shape;
  cut.n_layer = n_layer;
  cut.n_layer_shared_kv -= std::min(shape.n_layer_shared_kv, shape.n_layer - n_layer);
  return cut;
}

}  // namespace wattle::measure
