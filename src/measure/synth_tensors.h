// SPDX-License-Identifier: Apache-2.0
// The tensors of a synthetic model, and how its random numbers are spread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "measure/synth_shape.h"

namespace wattle::measure {

struct SynthTensor {
  std::string name;
  std::vector<uint64_t> shape;  // outermost first
  bool quantised = false;       // false: f32 in every file (norms, scales, routers)
  float mean = 0;
  float deviation = 0;
  std::vector<float> values{};  // the numbers themselves, where they are not random

  uint64_t n_elements() const noexcept;
};

// In the order of the file. The deviations are such that activations stay near one and logits are
// spread by about one, so that a random model is as well-behaved as a trained one: no layer
// saturates, attention looks at many positions, and rounding does not grow from layer to layer.
std::vector<SynthTensor> synth_tensors(const SynthShape& shape);

}  // namespace wattle::measure
