// SPDX-License-Identifier: Apache-2.0
// The hyperparameters of a model, read from the keys of its file and checked. docs/glossary.md has
// a row for each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/keys.h"
#include "model/kv_layout.h"
#include "wattle/token.h"

namespace wattle {

// Ranges of keys that only some architectures have; far above any model there is.
inline constexpr U32Range kHeadDimRange{1, 1u << 12};
inline constexpr U32Range kWidthRange{1, 1u << 17};
inline constexpr F32Range kFreqBaseRange{1.0f, 1e12f};
inline constexpr F32Range kSoftcapRange{0.0f, 1e6f};

struct LayerHparams {
  uint32_t n_head = 0;
  uint32_t n_head_kv = 0;   // divides n_head
  uint32_t head_dim_k = 0;  // of queries and keys
  uint32_t head_dim_v = 0;
  uint32_t n_ff = 0;  // width of the dense FFN; 0: the file names none
  bool swa = false;   // sliding-window attention
};

struct RopeHparams {
  double freq_base = 10000.0;
  double freq_scale = 1.0;  // 1 / factor of linear scaling
  uint32_t n_rot = 0;       // even, at most head_dim_k
};

struct Hparams {
  std::string arch;
  uint32_t n_layer = 0;
  uint32_t n_ctx_train = 0;
  uint32_t n_embd = 0;
  uint32_t n_vocab = 0;
  std::vector<TokenId> suppressed_tokens;  // their logits are -inf
  float rms_eps = 0.0f;
  std::vector<LayerHparams> layers;  // [n_layer]

  RopeHparams rope;
  RopeHparams rope_swa;  // of sliding-window layers
  uint32_t n_swa = 0;    // window, the token itself included; 0: no such layers

  uint32_t n_expert = 0;  // 0: dense
  uint32_t n_expert_used = 0;
  uint32_t n_ff_exp = 0;
  float expert_weights_scale = 1.0f;

  float score_scale = 0.0f;    // of q * k
  float final_softcap = 0.0f;  // 0: off

  // Gemma 4.
  uint32_t n_embd_per_layer = 0;   // width of the per-layer embeddings, 0: none
  uint32_t n_layer_shared_kv = 0;  // the last layers that read the cache of an earlier one

  uint32_t n_layer_kv() const noexcept { return n_layer - n_layer_shared_kv; }
  // Whether nothing but outputs needs what layer il computes, its keys and values apart.
  bool outputs_only(size_t il) const noexcept { return il + 1 >= n_layer_kv(); }
};

// What every architecture has: sizes, heads, rope, experts, with the defaults of the format.
// score_scale is 1 / sqrt(head_dim_k). Which layers have a window is up to the architecture.
Hparams read_common_hparams(const Keys& keys);

// What the layers that own a cache store.
KvShape kv_shape(const Hparams& hparams);

}  // namespace wattle
