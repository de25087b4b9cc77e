// SPDX-License-Identifier: Apache-2.0
// How far something long has come, on stderr: one line that is written over on a terminal, a line
// now and then elsewhere.
#pragma once

#include <chrono>
#include <string>

#include "cli/status_line.h"

namespace wattle::cli {

class ProgressLine {
 public:
  using Clock = std::chrono::steady_clock;

  // Nothing is shown for what takes less than `patience`; where stderr is no terminal, a line every
  // `interval` (the first right after `patience`).
  ProgressLine(Clock::duration patience, Clock::duration interval);

  bool on_terminal() const noexcept { return line_.on_terminal(); }
  // Whether a line is due, so that its text need not be made each time.
  bool due() const noexcept { return Clock::now() >= next_; }
  void show(const std::string& text);
  void clear() noexcept { line_.clear(); }

 private:
  StatusLine line_;
  const Clock::duration interval_;
  Clock::time_point next_;
};

}  // namespace wattle::cli
