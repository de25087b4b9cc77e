// SPDX-License-Identifier: Apache-2.0
// One sequence in the KV cache together with the tokens it was computed from.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/engine_core.h"
#include "runtime/session_file.h"
#include "wattle/token.h"

namespace wattle::runtime {

// Borrows the core. Where a call throws, the sequence holds fewer tokens than asked for, but what
// it holds is computed rightly, and it can go on from there.
class Sequence {
 public:
  // Throws Error{out_of_memory}.
  explicit Sequence(EngineCore& core);

  // Makes the sequence hold exactly `tokens` (at least one, at most n_ctx). The longest beginning
  // that it or another sequence of the core holds is taken over, the rest computed in pieces of
  // n_batch at most. `cancelled` is looked at before each piece; where it is set, the call ends
  // early.
  struct Assigned {
    uint32_t n_reused = 0;
    bool complete = true;  // false: cancelled
  };
  Assigned assign(std::span<const TokenId> tokens, const std::atomic<bool>& cancelled);

  void append(TokenId token);

  // What follows the last token; one logit for each token of the vocabulary. Requires that the last
  // assign was complete.
  std::span<const float> logits() const noexcept;

  // The same sequence in another engine of the same model and cache settings. Throws Error{io}.
  void save(const std::filesystem::path& path, std::string_view note) const;
  // False: the file is of another model or cache, and the sequence is empty now. Throws
  // Error{bad_input} where the file contradicts itself, Error{out_of_memory}; then it is empty,
  // too.
  bool restore(const SessionFile& file);

  uint32_t size() const noexcept { return size_; }

 private:
  // Appends a beginning of the tokens; once they are all there, the logits are those of the last.
  void compute(std::span<const TokenId> tokens);

  EngineCore& core_;
  SequenceOwner owner_;
  uint32_t size_ = 0;
  std::vector<float> logits_;  // [n_logits]
};

}  // namespace wattle::runtime
