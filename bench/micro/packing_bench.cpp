// SPDX-License-Identifier: Apache-2.0
// Packing experts of Gemma 4 26B-A4B for the NPU in f16, one thread: GB/s that are written, and
// weights per second.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/packing_case.h"

namespace wattle {
namespace {

void run(benchmark::State& state, DType type, size_t n_out, size_t n_in, Isa isa) {
  bench::PackingCase packing(type, n_out, n_in, {.n_threads = 1, .isa = isa});
  for (auto _ : state) packing.pack();
  const auto n = static_cast<double>(state.iterations());
  const auto per_second = [&](size_t count) {
    return benchmark::Counter(n * static_cast<double>(count) / 1e9, benchmark::Counter::kIsRate);
  };
  state.counters["GB/s"] = per_second(packing.bytes_written());
  state.counters["Gweights/s"] = per_second(packing.n_weights());
}

[[maybe_unused]] const bool kRegistered = [] {
  const CpuFeatures cpu = detect_cpu_features();
  for (const Isa isa : all_isas_fastest_first()) {
    if (!cpu.supports(isa) || isa == Isa::reference) continue;
    for (const DType type : {DType::q4_0, DType::q4_k, DType::q8_0, DType::q6_k, DType::f16}) {
      for (const auto& [n_out, n_in] : {std::pair<size_t, size_t>{1408, 2816}, {2816, 768}}) {
        const std::string name = "packing/" + std::string(isa_name(isa)) + "/" +
                                 std::string(dtype_info(type).name) + "/" + std::to_string(n_out) +
                                 "x" + std::to_string(n_in);
        benchmark::RegisterBenchmark(
            name.c_str(), [=](benchmark::State& state) { run(state, type, n_out, n_in, isa); });
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace wattle
