// SPDX-License-Identifier: Apache-2.0
// Shows an answer on stdout while it is made.
#pragma once

#include <string>
#include <string_view>

#include "cli/output.h"
#include "wattle/engine.h"

namespace wattle::cli {

// On a terminal reasoning is shown dim above the answer and control characters are kept away from
// it. Anywhere else stdout is the bare answer, byte for byte, so that it can be piped on.
class AnswerPrinter {
 public:
  AnswerPrinter();

  // The text that the answer goes on from, dim.
  void show_prompt(std::string_view prompt);
  void show(const Delta& delta);
  // Ends the line.
  void finish();

 private:
  void put(std::string_view text);
  void end_reasoning();

  const bool on_terminal_;
  const Paint paint_;
  bool in_reasoning_ = false;
  bool at_line_start_ = true;
};

// "12 prompt tokens (4 cached), 96.3 tokens/s, first token after 0.08 s | 85 tokens, 45.2
// tokens/s".
std::string describe(const Timings& timings);

// "end_of_text", "stop_text", "length", "context_full", "cancelled".
std::string_view stop_reason_name(StopReason reason) noexcept;

}  // namespace wattle::cli
