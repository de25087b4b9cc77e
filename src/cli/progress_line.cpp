// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/output.h"

namespace wattle::cli {
namespace {
constexpr auto kRedraw = std::chrono::milliseconds(100);
}

ProgressLine::ProgressLine(Clock::duration patience, Clock::duration interval)
    : on_terminal_(is_terminal(STDERR_FILENO)),
      interval_(on_terminal_ ? Clock::duration(kRedraw) : interval),
      next_(Clock::now() + patience) {}

ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::show(const std::string& text) {
  if (on_terminal_) {
    // Without wrapping: a line of two rows could not be written over.
    print_err(fmt::format("\r\x1b[K\x1b[?7l{}\x1b[?7h", text));
  } else {
    print_err(text + "\n");
  }
  shown_ = on_terminal_;
  next_ = Clock::now() + interval_;
}

void ProgressLine::clear() noexcept {
  if (shown_) print_err("\r\x1b[K");
  shown_ = false;
}

}  // namespace wattle::cli
