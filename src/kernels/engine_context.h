// SPDX-License-Identifier: Apache-2.0
// What every part of one engine shares: the processor, the kernels chosen for it, the threads, the
// log. Built when an engine opens and passed down by reference; there are no globals, so two
// engines live in one process and a test can force a kernel set.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "base/cpu_features.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "wattle/log.h"

namespace wattle {

struct ContextOptions {
  size_t n_threads = 0;  // 0: every processor this process may use
  bool pin_threads = false;
  std::optional<Isa> isa{};  // nothing: WATTLE_ISA, or else the best set; must be one cpu supports
  LogSink log{};             // empty: no messages
};

// Neither copied nor moved: others hold references to its members.
struct EngineContext {
  explicit EngineContext(ContextOptions options)
      : kernels(kernels::make_kernel_table(
            cpu, options.isa ? *options.isa : kernels::isa_from_environment(cpu))),
        pool(options.n_threads != 0 ? options.n_threads : available_processors(),
             options.pin_threads),
        log_sink(std::move(options.log)) {}
  EngineContext(const EngineContext&) = delete;
  EngineContext& operator=(const EngineContext&) = delete;

  void log(LogLevel level, std::string_view line) const {
    if (log_sink) log_sink(level, line);
  }

  const CpuFeatures cpu = detect_cpu_features();
  const kernels::KernelTable kernels;
  ThreadPool pool;  // one caller at a time
  const LogSink log_sink;
};

}  // namespace wattle
