// SPDX-License-Identifier: Apache-2.0
// The one place where sampling parameters from outside are checked.
#pragma once

#include <cstddef>

#include "wattle/sampling_params.h"

namespace wattle::sampling {

// Throws Error{usage} naming the flag, the value found and the range expected.
void check_params(const SamplingParams& params, size_t n_vocab);

}  // namespace wattle::sampling
