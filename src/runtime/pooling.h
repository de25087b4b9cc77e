// SPDX-License-Identifier: Apache-2.0
// From the vectors of tokens to the vector of their text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gguf/reader.h"
#include "tensor/view.h"
#include "wattle/engine.h"

namespace wattle::runtime {

// The key <arch>.pooling_type; nothing where the file has none or says "none". Throws
// Error{unsupported} for others, such as that of re-rankers.
std::optional<Pooling> pooling_of(const gguf::File& file);

// Takes the vectors of a text in order, some at a time.
class Pooler {
 public:
  Pooler(Pooling pooling, size_t n_embd) : pooling_(pooling), sum_(n_embd) {}

  void add(MatView<const float> rows) noexcept;

  // At least one row was added. Normalised: of length 1, a zero vector stays.
  std::vector<float> result(bool normalize) const;

 private:
  Pooling pooling_;
  std::vector<double> sum_;  // of the rows, or the one that counts
  size_t n_rows_ = 0;
};

}  // namespace wattle::runtime
