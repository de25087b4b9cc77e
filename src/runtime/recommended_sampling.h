// SPDX-License-Identifier: Apache-2.0
// What a model file says about how it wants to be sampled.
#pragma once

#include "gguf/reader.h"
#include "wattle/sampling_params.h"

namespace wattle::runtime {

// The keys general.sampling.* of the file; the defaults of SamplingParams where it has none.
// Throws Error{bad_input} naming the key for a value that no sampler could use.
SamplingParams recommended_sampling(const gguf::File& file);

}  // namespace wattle::runtime
