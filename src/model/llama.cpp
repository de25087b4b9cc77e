// SPDX-License-Identifier: Apache-2.0
// Llama (Touvron et al. 2023; Llama 3), and what shares its form: Mistral 7B, SmolLM, Mixtral.
// The plain transformer; pairs of neighbours rotate, files may have biases, and Llama 3.1 stretches
// its low frequencies.
#include <fmt/format.h>

#include "model/plain_transformer.h"

namespace wattle {
namespace {

Hparams read_llama_hparams(const Keys& keys) {
  Hparams hp = read_common_hparams(keys);
  if (hp.rope.n_rot != hp.layers[0].head_dim_k) {
    keys.refuse("rope.dimension_count", fmt::to_string(hp.rope.n_rot),
                fmt::format("the head dimension {}", hp.layers[0].head_dim_k));
  }
  if (hp.n_expert != 0 && hp.n_ff_exp == 0) hp.n_ff_exp = hp.layers[0].n_ff;
  return hp;
}

}  // namespace

const Architecture kLlama{
    .name = "llama",
    .read_hparams = read_llama_hparams,
    .make = [](ModelSource source) -> std::unique_ptr<Model> {
      return make_plain_transformer(std::move(source), {.rope_style = RopeStyle::norm,
                                                        .rope_factors = true,
                                                        .extras = Weights::Extras::scale_and_bias});
    },
};

}  // namespace wattle
