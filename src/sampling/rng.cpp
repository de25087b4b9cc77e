// SPDX-License-Identifier: Apache-2.0
#include "sampling/rng.h"

#include <random>

namespace wattle::sampling {

uint64_t fresh_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | uint64_t{device()};
}

}  // namespace wattle::sampling
