// SPDX-License-Identifier: Apache-2.0
// Bytes a second over the last seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace wattle::cli {

class TransferRate {
 public:
  using Clock = std::chrono::steady_clock;

  // `done`: bytes there so far, from any start; `now`: never before the last one.
  void add(uint64_t done, Clock::time_point now);
  // Forgets the past: what follows is something else.
  void reset() { samples_.clear(); }

  // Nothing until a second has passed.
  std::optional<double> bytes_per_second() const;

 private:
  struct Sample {
    Clock::time_point time;
    uint64_t done;
  };
  std::deque<Sample> samples_;  // of kWindow, at most one each kStep
};

}  // namespace wattle::cli
