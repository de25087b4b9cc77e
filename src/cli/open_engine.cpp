// SPDX-License-Identifier: Apache-2.0
#include "cli/open_engine.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/file_progress.h"
#include "cli/matrix_places.h"
#include "cli/output.h"
#include "store/used.h"

namespace wattle::cli {

void Reporting::add_to(CLI::App& app) {
  app.add_flag("-q,--quiet", quiet, "no progress and no figures on stderr")->configurable();
  app.add_flag("-v,--verbose", verbose, "what the engine decides, on stderr")->configurable();
}

std::string describe(const NpuReport& npu) {
  std::string text =
      fmt::format("NPU: {}; {}", npu.is_silicon ? npu.driver : npu.driver + "; not run on silicon",
                  places_text({.n_resident = npu.n_on_npu - npu.n_streamed,
                               .n_bytes = npu.n_bytes,
                               .n_streamed = npu.n_streamed,
                               .n_on_cpu = npu.n_matrices - npu.n_on_npu}));
  if (npu.n_missed != 0) text += fmt::format(", {} came out wrong", npu.n_missed);
  if (!npu.in_use) text += "; left alone after faults: the CPU computes everything";
  return text;
}

std::string describe_work(const std::optional<NpuReport>& npu) {
  if (!npu) return {};
  std::string text = fmt::format(" | NPU {} submits, {:.1f} ms", npu->n_submits, npu->busy_ms);
  if (npu->energy_mj) text += fmt::format(", {:.0f} mJ", *npu->energy_mj);
  if (npu->is_projection) text += " (projection)";
  if (npu->n_faults != 0) text += fmt::format(", {} faults", npu->n_faults);
  return text;
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
  if (const auto npu = engine->npu(); npu && !reporting.quiet) {
    print_err(Paint(STDERR_FILENO).dim(describe(*npu)) + "\n");
  }
  store::mark_used(params.model, store::places_from_environment());
  return engine;
}

}  // namespace wattle::cli
