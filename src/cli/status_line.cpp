// SPDX-License-Identifier: Apache-2.0
#include "cli/status_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/output.h"

namespace wattle::cli {

StatusLine::StatusLine() : on_terminal_(is_terminal(STDERR_FILENO)) {}

void StatusLine::clear() noexcept {
  if (shown_) print_err("\r\x1b[K");
  shown_ = false;
}

void StatusLine::show(std::string_view text) {
  if (!on_terminal_) return;
  // Without wrapping: a line of two rows could not be written over.
  print_err(fmt::format("\r\x1b[K\x1b[?7l{}\x1b[?7h", text));
  shown_ = true;
}

}  // namespace wattle::cli
