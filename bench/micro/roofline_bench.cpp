// SPDX-License-Identifier: Apache-2.0
// What this machine can do at most, one thread: bytes read from memory per second, and int8
// multiplications and additions per second. The other benchmarks are shares of these.
#include <benchmark/benchmark.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstdint>

#include "base/aligned_buffer.h"
#include "base/cpu_features.h"

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
  const AlignedBuffer<std::byte> data(size_t{256} << 20);
  for (auto _ : state) benchmark::DoNotOptimize(read_all(data.data(), data.size()));
  state.counters["GB/s"] = benchmark::Counter(
      static_cast<double>(state.iterations() * data.size()) * 1e-9, benchmark::Counter::kIsRate);
}

// Twelve independent chains of `n` dot-product instructions of 64 products each.
[[gnu::target("avx512f,avx512vnni")]] int dot_products(size_t n) {
  __m512i sum[12] = {};
  const __m512i a = _mm512_set1_epi8(1);
  for (size_t i = 0; i < n; ++i) {
#pragma GCC unroll 12
    for (auto& chain : sum) {
      chain = _mm512_dpbusd_epi32(chain, a, a);
      asm volatile("" : "+v"(chain));  // or equal chains would become one
    }
  }
  for (size_t k = 1; k < 12; ++k) sum[0] = _mm512_add_epi32(sum[0], sum[k]);
  alignas(64) int lanes[16];
  _mm512_store_si512(lanes, sum[0]);
  return lanes[0];
}

void int8_peak_avx512vnni(benchmark::State& state) {
  constexpr size_t kSteps = 100000;
  for (auto _ : state) benchmark::DoNotOptimize(dot_products(kSteps));
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
