// SPDX-License-Identifier: Apache-2.0
// What a token costs at least, by the tensors of the file.
#pragma once

#include <cstdint>

#include "gguf/reader.h"

namespace wattle::measure {

// For a token computed alone. Of experts those that are used, of tables of embeddings nothing (one
// row is read) unless the table is the head too. Keys and values are not part of it.
struct TokenCost {
  uint64_t model_bytes = 0;   // of all tensors of the file, whether a token needs them or not
  uint64_t weight_bytes = 0;  // read from memory, head included
  uint64_t expert_bytes = 0;  // of these, what experts are
  uint64_t block_ops = 0;     // multiplications and additions with weights, of every token
  uint64_t output_ops = 0;  // where logits are wanted: in the head, and in the layers that have no
                            // keys of their own for later tokens to see (Gemma 4 E2B and E4B)
  uint32_t n_expert = 0;
  uint32_t n_expert_used = 0;

  // What a step reads that computes one token of each of n sequences. Weights are read once for all
  // of them; of experts as many as n tokens take, if each takes any with the same probability.
  double step_bytes(uint32_t n_sequences) const noexcept;
};

// Throws Error{bad_input} for keys of another type than the format says.
TokenCost token_cost(const gguf::File& file);

}  // namespace wattle::measure
