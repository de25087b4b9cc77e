// SPDX-License-Identifier: Apache-2.0
// A line on stderr that is written over.
#pragma once

#include <string_view>

namespace wattle::cli {

// Gone at the end. Where stderr is no terminal it shows nothing: a caller that has to say something
// there asks on_terminal() and prints lines of its own.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool on_terminal() const noexcept { return on_terminal_; }
  void show(std::string_view text);  // printable, one line
  // Takes the line off the terminal, before something else is written there.
  void clear() noexcept;

 private:
  const bool on_terminal_;
  bool shown_ = false;
};

}  // namespace wattle::cli
