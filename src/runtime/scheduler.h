// SPDX-License-Identifier: Apache-2.0
// Continuous batching: what several threads ask for at the same time is computed in one pass over
// the weights, pieces of prompts and single tokens of running answers mixed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "model/batch.h"
#include "wattle/token.h"

namespace wattle::runtime {

// Tokens that a sequence should hold next, and what is wanted of them.
struct Request {
  SeqId seq{};
  std::span<const TokenId> tokens{};  // at least one
  // Indices of tokens, ascending; row j of the outputs belongs to output_rows[j]. Of one kind:
  // logits or hidden states.
  std::span<const uint32_t> output_rows{};
  Outputs outputs{};

  bool wants_hidden() const noexcept { return outputs.hidden.n_rows != 0; }
};

// Rows of a batch that prompts get together where answers are computed beside them. A prompt loses
// some of its speed by pieces of this size (6 and 17 % with two models), and an answer waits a
// quarter as long for its next token as beside 512 rows: docs/perf/batched-decode.md.
inline constexpr size_t kPromptRowsBesideAnswers = 128;

// Has no thread of its own: one of the callers that wait computes for all of them, so a caller that
// is alone computes at once and on its own thread. A batch is formed when the one before it has
// ended:
//
//   who goes along  Those who wait, in order of arrival. When answers are generated side by side,
//                   all of them come back a moment after each batch, so the callers of the last one
//                   are waited for: as long as one follows the other within an eighth of the time
//                   that the batch took (10 ms at most). Who stays away holds the others up once.
//   how much        Everyone gets a row, and what is left is shared evenly among those who want
//                   more. Where somebody wants one row only (an answer), the others get
//                   kPromptRowsBesideAnswers together, so that answers go on while a long prompt is
//                   computed.
//   errors          Where a batch cannot be computed, its members are computed one by one, and each
//                   gets its own error.
class Scheduler {
 public:
  // Computes these requests in one pass: at most n_batch rows, all outputs of one kind; where it
  // throws, nothing has changed. One call at a time, from the thread of any caller.
  using Compute = std::function<void(std::span<const Request>)>;

  Scheduler(size_t n_batch, Compute compute);

  // Computes the first of the tokens, as many as there is room for, at least one, and with them
  // those of output_rows that are among them. Returns how many; the caller asks again for the rest.
  // Alone that is n_batch tokens or all. Called from several threads, for different sequences.
  // Throws what Compute throws for this request.
  size_t run(const Request& request);

  // Threads inside run().
  size_t n_callers();

 private:
  using Clock = std::chrono::steady_clock;
  struct Caller {
    Request request;  // cut to what is computed when the batch is formed
    std::thread::id thread;
    bool done = false;
    std::exception_ptr error{};
  };

  void compute_batch(std::unique_lock<std::mutex>& lock);
  void form_batch();
  void compute_members() noexcept;

  const size_t n_batch_;
  const Compute compute_;

  std::mutex mutex_;
  std::condition_variable changed_;  // a batch has ended
  std::vector<Caller*> waiting_;     // in order of arrival
  // Callers of the last batch that have not come back. Threads and not sequences: a thread that
  // goes on with another sequence is not waited for.
  std::vector<std::thread::id> expected_;
  Clock::duration patience_{};
  Clock::time_point patience_ends_{};
  bool computing_ = false;

  // Of the batch that is computed, and of the thread that does it.
  std::vector<Caller*> members_;
  std::vector<Request> requests_;
};

}  // namespace wattle::runtime
