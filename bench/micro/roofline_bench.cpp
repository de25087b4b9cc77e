// SPDX-License-Identifier: Apache-2.0
// What this machine can do at most (src/measure/roofline.h), one thread. The other benchmarks are
// shares of these.
#include <benchmark/benchmark.h>

#include "measure/roofline.h"

namespace wattle {
namespace {

void memory_read(benchmark::State& state) {
  ThreadPool pool(1);
  for (auto _ : state) state.counters["GB/s"] = measure::measure_read_bandwidth(pool) / 1e9;
}
BENCHMARK(memory_read)->Name("roofline/memory_read")->Iterations(1);

void int8_peak(benchmark::State& state) {
  ThreadPool pool(1);
  for (auto _ : state) state.counters["GOPS"] = measure::measure_int8_peak(pool) / 1e9;
}
BENCHMARK(int8_peak)->Name("roofline/int8_peak")->Iterations(1);

}  // namespace
}  // namespace wattle
