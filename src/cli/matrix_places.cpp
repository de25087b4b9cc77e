// SPDX-License-Identifier: Apache-2.0
#include "cli/matrix_places.h"

#include <fmt/format.h>

#include "cli/amounts.h"

namespace wattle::cli {
namespace {

const char* are(uint64_t n) { return n == 1 ? "is" : "are"; }

}  // namespace

std::string places_text(const MatrixPlaces& places) {
  return fmt::format("{} {} on the NPU ({}), {} {} streamed, {} {} on the CPU", places.n_resident,
                     places.n_resident == 1 ? "matrix stays" : "matrices stay",
                     bytes_text(places.n_bytes), places.n_streamed, are(places.n_streamed),
                     places.n_on_cpu, are(places.n_on_cpu));
}

}  // namespace wattle::cli
