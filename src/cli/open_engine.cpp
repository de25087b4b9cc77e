// SPDX-License-Identifier: Apache-2.0
#include "cli/open_engine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "cli/output.h"

namespace wattle::cli {
namespace {

using Clock = std::chrono::steady_clock;

// One line that is written over on a terminal; elsewhere one line, once.
class ProgressLine {
 public:
  explicit ProgressLine(std::string name) : name_(std::move(name)) {}
  ~ProgressLine() {
    if (shown_ && on_terminal_) print_err("\r\x1b[K");
  }

  void update(uint64_t done, uint64_t total) {
    const Clock::time_point now = Clock::now();
    if (now < next_ || total == 0) return;
    const auto percent =
        static_cast<unsigned>(100.0 * static_cast<double>(done) / static_cast<double>(total));
    if (on_terminal_) {
      // Without wrapping: a line of two rows could not be written over.
      print_err(fmt::format("\r\x1b[K\x1b[?7lloading {} % of {}\x1b[?7h", percent, name_));
      next_ = now + std::chrono::milliseconds(100);
    } else {
      print_err(fmt::format("loading {} ({:.1f} GB)\n", name_, static_cast<double>(total) / 1e9));
      next_ = Clock::time_point::max();
    }
    shown_ = true;
  }

 private:
  const std::string name_;
  const bool on_terminal_ = is_terminal(STDERR_FILENO);
  Clock::time_point next_ = Clock::now() + std::chrono::seconds(1);
  bool shown_ = false;
};

}  // namespace

void Reporting::add_to(CLI::App& app) {
  app.add_flag("-q,--quiet", quiet, "no progress and no figures on stderr")->configurable();
  app.add_flag("-v,--verbose", verbose, "what the engine decides, on stderr")->configurable();
}

std::unique_ptr<Engine> open_engine(EngineParams params, const Reporting& reporting,
                                    const Interrupt& interrupt) {
  ProgressLine progress(printable(params.model.filename().string()));
  params.on_load_progress = [&](uint64_t done, uint64_t total) {
    if (!reporting.quiet) progress.update(done, total);
    return !interrupt.requested();
  };
  params.log = [verbose = reporting.verbose](LogLevel level, std::string_view line) {
    if (level == LogLevel::warning) {
      print_err(fmt::format("{} {}\n", Paint(STDERR_FILENO).bold("warning:"), printable(line)));
    } else if (verbose) {
      print_err(printable(line) + "\n");
    }
  };
  auto engine = std::make_unique<Engine>(params);
  interrupt.check();
  return engine;
}

}  // namespace wattle::cli
