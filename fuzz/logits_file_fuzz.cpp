// SPDX-License-Identifier: Apache-2.0
// The door `logits_file`: any bytes either open or give an Error; every row of what opens can be
// read, and its tokens are of the vocabulary.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "measure/logits_file.h"
#include "wattle/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wattle;
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> bytes(begin, begin + size);  // ends where it ends
  try {
    const measure::LogitsFile file(bytes, "fuzz.kld");
    const auto& header = file.header();
    for (const TokenId id : file.tokens()) {
      if (to_int(id) < 0 || static_cast<uint32_t>(to_int(id)) >= header.n_vocab) std::abort();
    }
    std::vector<float> row(header.n_vocab);
    for (uint32_t chunk = 0; chunk < header.n_chunk; ++chunk) {
      for (uint32_t r = 0; r < measure::scored_positions(header.n_ctx); ++r) {
        file.row(chunk, r).decode(row);
        for (const float log_prob : row) {
          if (!std::isfinite(log_prob)) std::abort();
        }
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
