// SPDX-License-Identifier: Apache-2.0
// The shapes that `synth` knows: one row per model people ask about.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace wattle::measure {

// Sizes of a model, by the names of docs/glossary.md. 0 stands for "has none".
struct SynthShape {
  std::string_view name;  // what the user types
  std::string_view arch;  // general.architecture
  uint32_t n_layer = 0;
  uint32_t n_embd = 0;
  uint32_t n_head = 0;
  uint32_t n_head_kv = 0;  // of window layers where full ones differ
  uint32_t head_dim = 0;   // the same
  uint32_t n_ff = 0;
  uint32_t n_vocab = 0;
  uint32_t n_ctx_train = 0;
  float rope_freq_base = 0;  // of full layers
  float rms_eps = 1e-6f;
  bool tied_output = true;  // the head is token_embd

  uint32_t n_expert = 0;
  uint32_t n_expert_used = 0;
  uint32_t n_ff_exp = 0;

  // Sliding windows (Gemma). Every swa_period-th layer is full.
  uint32_t n_swa = 0;
  uint32_t swa_period = 0;

  // Gemma 4.
  uint32_t n_head_kv_full = 0;
  uint32_t head_dim_full = 0;
  bool full_has_v = true;          // false: values of full layers are the raw keys
  uint32_t n_layer_shared_kv = 0;  // the last layers, which read the cache of an earlier one
  uint32_t n_ff_shared = 0;        // n_ff of those layers where it differs
  uint32_t n_embd_per_layer = 0;

  bool is_full(uint32_t il) const noexcept {
    return swa_period == 0 || il % swa_period == swa_period - 1;
  }
  bool owns_kv(uint32_t il) const noexcept { return il < n_layer - n_layer_shared_kv; }
  uint32_t ff_width(uint32_t il) const noexcept {
    return n_ff_shared != 0 && !owns_kv(il) ? n_ff_shared : n_ff;
  }
};

std::span<const SynthShape> synth_presets() noexcept;

// By name; letter case and the family's prefix may be left out ("26B-A4B" is gemma4-26b-a4b).
// Throws Error{usage} that lists the presets.
const SynthShape& find_synth_preset(std::string_view name);

// The first n_layer layers of it, everything else as it is: for what takes too long with all.
// Throws Error{usage} where it has fewer.
SynthShape with_layers(const SynthShape& shape, uint32_t n_layer);

}  // namespace wattle::measure
