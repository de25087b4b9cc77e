// SPDX-License-Identifier: Apache-2.0
// For tests that hold every kernel set this machine can run against the scalar one.
#pragma once

#include <cmath>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include "base/cpu_features.h"
#include "kernels/kernels.h"

namespace wattle::test {

inline kernels::KernelTable kernel_table(Isa isa) {
  return kernels::make_kernel_table(detect_cpu_features(), isa);
}

// The sets of this machine that have kernels of their own for `op` (as in KernelTable::choices()),
// fastest first, the last one scalar. What a set borrows is tested with the set that lends it.
inline std::vector<Isa> isas_that_have(std::string_view op) {
  std::vector<Isa> isas;
  for (const Isa isa : all_isas_fastest_first()) {
    if (!detect_cpu_features().supports(isa) || isa == Isa::reference) continue;
    const kernels::KernelTable table = kernel_table(isa);  // choices() points into it
    for (const auto& choice : table.choices()) {
      if (choice.op == op && choice.name == isa_name(isa)) isas.push_back(isa);
    }
  }
  return isas;
}

// Normal values of the given spread; the same for the same seed.
inline std::vector<float> random_floats(size_t n, unsigned seed, float sigma = 1.0F) {
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal(0.0F, sigma);
  std::vector<float> x(n);
  for (float& v : x) v = normal(rng);
  return x;
}

// Normalised mean squared error: |got - want|^2 / |want|^2. NaN where either has a NaN.
inline double nmse(std::span<const float> got, std::span<const float> want) {
  double error = 0;
  double power = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double diff = static_cast<double>(got[i]) - want[i];
    error += diff * diff;
    power += static_cast<double>(want[i]) * want[i];
  }
  return error == 0 ? 0 : error / power;
}

}  // namespace wattle::test
