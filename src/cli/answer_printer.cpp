// SPDX-License-Identifier: Apache-2.0
#include "cli/answer_printer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <string>

namespace wattle::cli {
namespace {

std::string for_terminal(std::string_view text) { return printable(text, "\n\t"); }

double per_second(uint32_t n, double ms) { return ms > 0 ? n * 1000.0 / ms : 0.0; }

}  // namespace

AnswerPrinter::AnswerPrinter() : on_terminal_(is_terminal(STDOUT_FILENO)), paint_(STDOUT_FILENO) {}

void AnswerPrinter::put(std::string_view text) {
  if (text.empty()) return;
  at_line_start_ = text.back() == '\n';
  print_out(on_terminal_ ? for_terminal(text) : text);
}

void AnswerPrinter::end_reasoning() {
  if (!in_reasoning_) return;
  in_reasoning_ = false;
  if (!at_line_start_) put("\n");
  put("\n");
}

void AnswerPrinter::show_prompt(std::string_view prompt) {
  print_out(paint_.dim(on_terminal_ ? for_terminal(prompt) : std::string(prompt)));
  flush_out();
  at_line_start_ = prompt.empty() || prompt.back() == '\n';
}

void AnswerPrinter::show(const Delta& delta) {
  if (delta.kind == Delta::Kind::reasoning) {
    if (!on_terminal_ || delta.text.empty()) return;
    in_reasoning_ = true;
    at_line_start_ = delta.text.back() == '\n';
    print_out(paint_.dim(for_terminal(delta.text)));
  } else {
    end_reasoning();
    put(delta.text);
  }
  flush_out();
}

void AnswerPrinter::finish() {
  in_reasoning_ = false;
  if (!at_line_start_) put("\n");
  flush_out();
}

std::string describe(const Timings& timings) {
  const uint32_t n_computed = timings.n_prompt - timings.n_prompt_cached;
  return fmt::format(
      "{} prompt tokens{}, {:.1f} tokens/s, first token after {:.2f} s | "
      "{} tokens, {:.1f} tokens/s",
      timings.n_prompt,
      timings.n_prompt_cached != 0 ? fmt::format(" ({} cached)", timings.n_prompt_cached) : "",
      per_second(n_computed, timings.prompt_ms), timings.time_to_first_token_ms / 1000.0,
      timings.n_generated, per_second(timings.n_generated, timings.generation_ms));
}

std::string_view stop_reason_name(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::end_of_text: return "end_of_text";
    case StopReason::stop_text: return "stop_text";
    case StopReason::length: return "length";
    case StopReason::context_full: return "context_full";
    case StopReason::cancelled: return "cancelled";
  }
  return "?";
}

}  // namespace wattle::cli
