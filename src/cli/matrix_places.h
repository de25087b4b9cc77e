// SPDX-License-Identifier: Apache-2.0
// Where the matrices of a model are that runs beside an NPU, or would.
#pragma once

#include <cstdint>
#include <string>

namespace wattle::cli {

// A bank of experts counts as one.
struct MatrixPlaces {
  uint64_t n_resident = 0;  // that stay on the NPU
  uint64_t n_bytes = 0;     // of those
  uint64_t n_streamed = 0;
  uint64_t n_on_cpu = 0;
};

// "60 matrices stay on the NPU (215.3 MB), 150 are streamed, 1 is on the CPU"
std::string places_text(const MatrixPlaces& places);

}  // namespace wattle::cli
