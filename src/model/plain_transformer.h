// SPDX-License-Identifier: Apache-2.0
// The plain pre-norm decoder that Llama made usual (Touvron et al., 2023): per layer
// h += attention(norm(h)), h += ffn(norm(h)). Architectures that differ from each other only in
// what the options say share it; one with a forward pass of its own has a class of its own.
#pragma once

#include <memory>

#include "model/blocks/rope.h"
#include "model/registry.h"
#include "model/weights.h"

namespace wattle {

struct PlainTransformerOptions {
  RopeStyle rope_style = RopeStyle::neox;
  bool rope_factors = false;  // rope_freqs.weight, where the file has it, divides the frequencies
  bool qk_norms = false;      // queries and keys are normed head by head before they are rotated
  Weights::Extras extras = Weights::Extras::scale;  // of the projections
};

// An expert count in the hyperparameters makes the FFN of every layer a mixture of experts, whose
// router sees what the FFN would. Throws as Weights does.
std::unique_ptr<Model> make_plain_transformer(ModelSource source,
                                              const PlainTransformerOptions& options);

}  // namespace wattle
