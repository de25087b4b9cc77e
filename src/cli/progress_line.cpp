// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_line.h"

#include "cli/output.h"

namespace wattle::cli {
namespace {
constexpr auto kRedraw = std::chrono::milliseconds(100);
}

ProgressLine::ProgressLine(Clock::duration patience, Clock::duration interval)
    : interval_(line_.on_terminal() ? Clock::duration(kRedraw) : interval),
      next_(Clock::now() + patience) {}

void ProgressLine::show(const std::string& text) {
  if (line_.on_terminal()) {
    line_.show(text);
  } else {
    print_err(text + "\n");
  }
  next_ = Clock::now() + interval_;
}

}  // namespace wattle::cli
