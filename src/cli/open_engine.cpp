// SPDX-License-Identifier: Apache-2.0
#include "cli/open_engine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "cli/amounts.h"
#include "cli/output.h"
#include "cli/progress_line.h"

namespace wattle::cli {
namespace {

// Loading that takes longer than a second is shown; where nobody watches a terminal, once.
class LoadProgress {
 public:
  explicit LoadProgress(std::string name) : name_(std::move(name)) {}

  void update(uint64_t done, uint64_t total) {
    if (total == 0 || !line_.due()) return;
    const double share = static_cast<double>(done) / static_cast<double>(total);
    line_.show(line_.on_terminal() ? fmt::format("loading {:.0f} % of {}", 100 * share, name_)
                                   : fmt::format("loading {} ({})", name_, bytes_text(total)));
  }

 private:
  const std::string name_;
  ProgressLine line_{std::chrono::seconds(1), std::chrono::hours(24)};
};

}  // namespace

void Reporting::add_to(CLI::App& app) {
  app.add_flag("-q,--quiet", quiet, "no progress and no figures on stderr")->configurable();
  app.add_flag("-v,--verbose", verbose, "what the engine decides, on stderr")->configurable();
}

std::unique_ptr<Engine> open_engine(EngineParams params, const Reporting& reporting,
                                    const Interrupt& interrupt) {
  LoadProgress progress(printable(params.model.filename().string()));
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
