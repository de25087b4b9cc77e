// SPDX-License-Identifier: Apache-2.0
// What this machine can do at most, one thread: bytes read from memory per second, and int8
// multiplications and additions per second. The other benchmarks are shares of these.
#include <benchmark/benchmark.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstdint>

#include "base/cpu_features.h"
#include "bench/micro/huge_pages.h"

namespace wattle {
namespace {

#if defined(__x86_64__)

// Four streams, fetched ahead into the second-level cache: the fastest reading that was found.
[[gnu::target("avx2")]] int64_t read_all(const std::byte* p, size_t n) {
  __m256i sum[4] = {};
  for (size_t i = 0; i < n / 4; i += 64) {
    for (size_t stream = 0; stream < 4; ++stream) {
      const std::byte* at = p + n / 4 * stream + i;
      _mm_prefetch(reinterpret_cast<const char*>(at + 4096), _MM_HINT_T1);
      const auto* v = reinterpret_cast<const __m256i*>(at);
      sum[stream] = _mm256_add_epi64(sum[stream], _mm256_load_si256(v));
      sum[stream] = _mm256_add_epi64(sum[stream], _mm256_load_si256(v + 1));
    }
  }
  for (size_t k = 1; k < 4; ++k) sum[0] = _mm256_add_epi64(sum[0], sum[k]);
  return _mm256_extract_epi64(sum[0], 0);
}

void memory_read(benchmark::State& state) {
  const HugePages data(size_t{256} << 20);
  for (auto _ : state) benchmark::DoNotOptimize(read_all(data.data(), data.size()));
  const double bytes = static_cast<double>(state.iterations()) * static_cast<double>(data.size());
  state.counters["GB/s"] = benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsRate);
}

// n times twelve dot-product instructions that do not wait for each other.
[[gnu::target("avx512f,avx512vnni")]] void dot_products(size_t n) {
  for (size_t i = 0; i < n; ++i) {
    asm volatile(
        "vpdpbusd %%zmm31, %%zmm30, %%zmm0\n"
        "vpdpbusd %%zmm31, %%zmm30, %%zmm1\n"
        "vpdpbusd %%zmm31, %%zmm30, %%zmm2\n"
        "vpdpbusd %%zmm31, %%zmm30, %%zmm3\n"
        "vpdpbusd %%zmm31, %%zmm30, %%zmm4\n"
        "vpdpbusd %%zmm31, %%zmm30, %%zmm5\n"
        "vpdpbusd %%zmm31, %%zmm30, %%zmm6\n"
        "vpdpbusd %%zmm31, %%zmm30, %%zmm7\n"
        "vpdpbusd %%zmm31, %%zmm30, %%zmm8\n"
        "vpdpbusd %%zmm31, %%zmm30, %%zmm9\n"
        "vpdpbusd %%zmm31, %%zmm30, %%zmm10\n"
        "vpdpbusd %%zmm31, %%zmm30, %%zmm11\n" ::
            : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
              "xmm10", "xmm11");
  }
}

void int8_peak_avx512vnni(benchmark::State& state) {
  constexpr size_t kSteps = 100000;
  for (auto _ : state) dot_products(kSteps);
  const auto steps = static_cast<double>(state.iterations()) * kSteps;
  state.counters["GOPS"] =
      benchmark::Counter(steps * 12 * 64 * 2 * 1e-9, benchmark::Counter::kIsRate);
}

const bool kRegistered = [] {
  const CpuFeatures features = detect_cpu_features();
  if (features.avx2) benchmark::RegisterBenchmark("roofline/memory_read", memory_read);
  if (features.avx512vnni)
    benchmark::RegisterBenchmark("roofline/int8_peak/avx512vnni", int8_peak_avx512vnni);
  return true;
}();

#endif

}  // namespace
}  // namespace wattle
