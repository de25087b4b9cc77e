// SPDX-License-Identifier: Apache-2.0
#include "measure/roofline.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/cpu_features.h"
#include "base/huge_pages.h"

namespace wattle::measure {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kBytes = size_t{256} << 20;
constexpr size_t kChunkBytes = size_t{8} << 20;
constexpr int kReadings = 8;
constexpr size_t kDotSteps = 4000000;  // some ten milliseconds: waking the threads is little of it
constexpr size_t kDotChunks = 8;       // for each thread, so that a slow core holds nobody up
constexpr int kDotRuns = 3;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Four streams, fetched ahead into the second-level cache: the fastest reading that was found. The
// sum is returned so that no reading can be left out.
#if defined(__x86_64__)
[[gnu::target("avx2")]] uint64_t read_all_avx2(const std::byte* p, size_t n) noexcept {
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
  return static_cast<uint64_t>(_mm256_extract_epi64(sum[0], 0));
}
#endif

uint64_t read_all_portable(const std::byte* p, size_t n) noexcept {
  uint64_t sum[8] = {};  // the compiler makes vectors of it
  for (size_t i = 0; i < n / 4; i += 64) {
    for (size_t stream = 0; stream < 4; ++stream) {
      const std::byte* at = p + n / 4 * stream + i;
      __builtin_prefetch(at + 4096, 0, 2);
      const auto* v = reinterpret_cast<const uint64_t*>(at);
      for (size_t k = 0; k < 8; ++k) sum[k] += v[k];
    }
  }
  for (size_t k = 1; k < 8; ++k) sum[0] += sum[k];
  return sum[0];
}

using ReadAll = uint64_t (*)(const std::byte*, size_t) noexcept;

ReadAll fastest_read() {
#if defined(__x86_64__)
  if (detect_cpu_features().avx2) return read_all_avx2;
#endif
  return read_all_portable;
}

// Products of int8 that do not wait for each other: `n` times one line of instructions for each of
// the accumulators 0 to 11. What the registers hold does not matter.
struct DotProducts {
  void (*run)(size_t n) noexcept = nullptr;
  double ops_per_step = 0;  // a multiplication and an addition each
};

#define WATTLE_TWELVE(LINE) \
  LINE("0")                 \
  LINE("1")                 \
  LINE("2")                 \
  LINE("3") LINE("4") LINE("5") LINE("6") LINE("7") LINE("8") LINE("9") LINE("10") LINE("11")

#if defined(__x86_64__)
#define WATTLE_CLOBBERS                                                                    \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11", "xmm12"

[[gnu::target("avx512f,avx512vnni")]] void dot_avx512vnni(size_t n) noexcept {
#define WATTLE_LINE(i) "vpdpbusd %%zmm14, %%zmm13, %%zmm" i "\n"
  for (size_t step = 0; step < n; ++step)
    asm volatile(WATTLE_TWELVE(WATTLE_LINE)::: WATTLE_CLOBBERS);
#undef WATTLE_LINE
}

[[gnu::target("avx512f,avx512bw")]] void dot_avx512(size_t n) noexcept {
#define WATTLE_LINE(i)                     \
  "vpmaddubsw %%zmm14, %%zmm13, %%zmm12\n" \
  "vpmaddwd %%zmm12, %%zmm15, %%zmm12\n"   \
  "vpaddd %%zmm12, %%zmm" i ", %%zmm" i "\n"
  for (size_t step = 0; step < n; ++step)
    asm volatile(WATTLE_TWELVE(WATTLE_LINE)::: WATTLE_CLOBBERS);
#undef WATTLE_LINE
}

[[gnu::target("avx2")]] void dot_avx2(size_t n) noexcept {
#define WATTLE_LINE(i)                     \
  "vpmaddubsw %%ymm14, %%ymm13, %%ymm12\n" \
  "vpmaddwd %%ymm12, %%ymm15, %%ymm12\n"   \
  "vpaddd %%ymm12, %%ymm" i ", %%ymm" i "\n"
  for (size_t step = 0; step < n; ++step)
    asm volatile(WATTLE_TWELVE(WATTLE_LINE)::: WATTLE_CLOBBERS);
#undef WATTLE_LINE
}
#undef WATTLE_CLOBBERS
#elif defined(__aarch64__)
#define WATTLE_CLOBBERS "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11"

[[gnu::target("arch=armv8.2-a+dotprod")]] void dot_neon(size_t n) noexcept {
#define WATTLE_LINE(i) "sdot v" i ".4s, v30.16b, v31.16b\n"
  for (size_t step = 0; step < n; ++step)
    asm volatile(WATTLE_TWELVE(WATTLE_LINE)::: WATTLE_CLOBBERS);
#undef WATTLE_LINE
}

[[gnu::target("arch=armv8.2-a+i8mm")]] void dot_i8mm(size_t n) noexcept {
#define WATTLE_LINE(i) "smmla v" i ".4s, v30.16b, v31.16b\n"
  for (size_t step = 0; step < n; ++step)
    asm volatile(WATTLE_TWELVE(WATTLE_LINE)::: WATTLE_CLOBBERS);
#undef WATTLE_LINE
}
#undef WATTLE_CLOBBERS
#endif
#undef WATTLE_TWELVE

DotProducts fastest_dot_products() {
  [[maybe_unused]] const CpuFeatures cpu = detect_cpu_features();
#if defined(__x86_64__)
  if (cpu.avx512vnni) return {dot_avx512vnni, 12 * 64 * 2};
  if (cpu.avx512) return {dot_avx512, 12 * 64 * 2};
  if (cpu.avx2) return {dot_avx2, 12 * 32 * 2};
#elif defined(__aarch64__)
  if (cpu.i8mm) return {dot_i8mm, 12 * 32 * 2};
  if (cpu.neon_dotprod) return {dot_neon, 12 * 16 * 2};
#endif
  return {};
}

}  // namespace

double measure_read_bandwidth(ThreadPool& pool) {
  const HugePages data(kBytes);
  const ReadAll read_all = fastest_read();
  std::atomic<uint64_t> sum{0};
  double best = 0;
  for (int i = 0; i < kReadings; ++i) {
    const Clock::time_point start = Clock::now();
    pool.parallel_for(kBytes / kChunkBytes, [&](size_t chunk, size_t) {
      sum += read_all(data.data() + chunk * kChunkBytes, kChunkBytes);
    });
    best = std::max(best, kBytes / seconds_since(start));
  }
  return best;
}

double measure_int8_peak(ThreadPool& pool) {
  const DotProducts dot = fastest_dot_products();
  if (dot.run == nullptr) return 0;
  const size_t n_chunks = kDotChunks * pool.size();
  double best = 0;
  for (int i = 0; i < kDotRuns; ++i) {
    const Clock::time_point start = Clock::now();
    pool.parallel_for(n_chunks, [&](size_t, size_t) { dot.run(kDotSteps / kDotChunks); });
    const size_t n_steps = n_chunks * (kDotSteps / kDotChunks);
    best = std::max(best, static_cast<double>(n_steps) * dot.ops_per_step / seconds_since(start));
  }
  return best;
}

}  // namespace wattle::measure
