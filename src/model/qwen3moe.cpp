// SPDX-License-Identifier: Apache-2.0
// Qwen3 with a mixture of experts in every layer, such as 30B-A3B (Qwen3 technical report, 2025):
// the attention of qwen3.cpp, and a router whose chosen weights are made to sum to one.
#include "model/plain_transformer.h"

namespace wattle {
namespace {

Hparams read_qwen3moe_hparams(const Keys& keys) {
  Hparams hp = read_common_hparams(keys);
  if (hp.n_expert == 0) keys.fail("expert_count", "none", "the number of experts");
  if (hp.n_ff_exp == 0) hp.n_ff_exp = hp.layers[0].n_ff / hp.n_expert_used;
  if (hp.n_ff_exp == 0) {
    keys.fail("expert_feed_forward_length", "nothing", "the width of one expert");
  }
  return hp;
}

}  // namespace

const Architecture kQwen3Moe{
    .name = "qwen3moe",
    .read_hparams = read_qwen3moe_hparams,
    .make = [](ModelSource source) -> std::unique_ptr<Model> {
      return make_plain_transformer(std::move(source), {.qk_norms = true});
    },
};

}  // namespace wattle
