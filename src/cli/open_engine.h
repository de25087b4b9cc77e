// SPDX-License-Identifier: Apache-2.0
// Opens a model for a command: progress and warnings on stderr, Ctrl-C in between.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/engine_flags.h"
#include "cli/interrupt.h"
#include "wattle/engine.h"

namespace wattle::cli {

struct Reporting {
  bool quiet = false;    // neither progress nor figures
  bool verbose = false;  // what the engine logs, too

  void add_to(CLI::App& app);
};

// "NPU: simulator; not run on silicon; 60 matrices stay on the NPU (215.3 MB), 150 are streamed, 1
// is on the CPU"
std::string describe(const NpuReport& npu);
// " | NPU 35 submits, 12.3 ms, 39 mJ (projection)"; "" where there is none.
std::string describe_work(const std::optional<NpuReport>& npu);

// Progress is shown where loading takes longer than a second; the NPU is told of where there is
// one; that the model was used is noted (store/used.h). Throws Error; {cancelled} on Ctrl-C.
std::unique_ptr<Engine> open_engine(EngineParams params, const Reporting& reporting,
                                    const Interrupt& interrupt);

}  // namespace wattle::cli
