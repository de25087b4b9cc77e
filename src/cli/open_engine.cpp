// SPDX-License-Identifier: Apache-2.0
#include "cli/open_engine.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/file_progress.h"
#include "cli/output.h"
#include "store/used.h"

namespace wattle::cli {

void Reporting::add_to(CLI::App& app) {
  app.add_flag("-q,--quiet", quiet, "no progress and no figures on stderr")->configurable();
  app.add_flag("-v,--verbose", verbose, "what the engine decides, on stderr")->configurable();
}

std::unique_ptr<Engine> open_engine(EngineParams params, const Reporting& reporting,
                                    const Interrupt& interrupt) {
  FileProgress progress("loading", printable(params.model.filename().string()));
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
  store::mark_used(params.model, store::places_from_environment());
  return engine;
}

}  // namespace wattle::cli
