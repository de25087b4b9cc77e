// SPDX-License-Identifier: Apache-2.0
// Attention by kernel set, head size and cache type, one thread:
//   decode   the query heads of one token that share a KV head, against 1024 entries: GB/s of cache
//   prefill  128 query rows against 512 entries that all of them see: multiplications and additions
//            per second
#include <benchmark/benchmark.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/kernels.h"
#include "quant/blocks.h"

namespace wattle::kernels {
namespace {

size_t kv_row_bytes(KvType type, size_t n) {
  if (type == KvType::q8_0) return n / quant::kBlockElems * sizeof(quant::BlockQ8_0);
  return n * (type == KvType::f16 ? sizeof(uint16_t) : sizeof(float));
}

struct Case {
  Isa isa;
  KvType type;
  size_t head_dim;
  bool decode;
  size_t n_q;
  size_t n_kv;
};

void run(benchmark::State& state, const Case& c) {
  const KernelTable table = make_kernel_table(detect_cpu_features(), c.isa);
  const size_t type = static_cast<size_t>(c.type);
  std::mt19937 rng(1);
  std::normal_distribution<float> normal;
  const auto random = [&](size_t n) {
    AlignedBuffer<float> x(n);
    for (float& v : x.span()) v = normal(rng);
    return x;
  };
  const size_t row_bytes = kv_row_bytes(c.type, c.head_dim);
  AlignedBuffer<std::byte> k(c.n_kv * row_bytes);
  AlignedBuffer<std::byte> v(c.n_kv * row_bytes);
  for (size_t j = 0; j < c.n_kv; ++j) {
    table.kv_store[type](random(c.head_dim).data(), c.head_dim, k.data() + j * row_bytes);
    table.kv_store[type](random(c.head_dim).data(), c.head_dim, v.data() + j * row_bytes);
  }
  AlignedBuffer<float> q = random(c.n_q * c.head_dim);
  table.scale(q.data(), 1.0f / static_cast<float>(c.head_dim), q.data(), q.size());
  AlignedBuffer<float> out(c.n_q * c.head_dim);
  std::vector<float> max(c.n_q);
  std::vector<float> sum(c.n_q);
  const std::vector<uint32_t> first(c.n_q, 0);
  const std::vector<uint32_t> last(c.n_q, static_cast<uint32_t>(c.n_kv));
  std::vector<const std::byte*> k_pages;
  std::vector<const std::byte*> v_pages;
  for (size_t begin = 0; begin < c.n_kv; begin += kAttentionPage) {
    k_pages.push_back(k.data() + begin * row_bytes);
    v_pages.push_back(v.data() + begin * row_bytes);
  }
  AlignedBuffer<float> scratch(attention_scratch_floats(c.n_q, c.n_kv, c.head_dim, c.head_dim));
  const AttentionByType& by_type = c.decode ? table.attention : table.attention_many;
  const AttentionFn attention = by_type.of(c.type, c.type);

  for (auto _ : state) {
    std::fill(max.begin(), max.end(), -std::numeric_limits<float>::infinity());
    std::fill(sum.begin(), sum.end(), 0.0f);
    std::fill(out.span().begin(), out.span().end(), 0.0f);
    attention({.q = q.data(),
               .q_stride = c.head_dim,
               .n_q = c.n_q,
               .head_dim_k = c.head_dim,
               .head_dim_v = c.head_dim,
               .k = k_pages.data(),
               .v = v_pages.data(),
               .n_kv = c.n_kv,
               .first = first.data(),
               .last = last.data(),
               .max = max.data(),
               .sum = sum.data(),
               .out = out.data(),
               .out_stride = c.head_dim,
               .scratch = scratch.data()});
    benchmark::DoNotOptimize(out.data());
  }
  using benchmark::Counter;
  const auto cache_bytes = static_cast<double>(2 * c.n_kv * row_bytes);
  const auto ops = static_cast<double>(4 * c.n_q * c.n_kv * c.head_dim);
  state.counters["B/s"] = Counter(cache_bytes, Counter::kIsIterationInvariantRate);
  state.counters["op/s"] = Counter(ops, Counter::kIsIterationInvariantRate);
}

void register_cases() {
  const CpuFeatures cpu = detect_cpu_features();
  constexpr std::pair<KvType, const char*> kTypes[] = {
      {KvType::f32, "f32"}, {KvType::f16, "f16"}, {KvType::q8_0, "q8_0"}};
  for (const Isa isa : all_isas_fastest_first()) {
    // The reference set would repeat the scalar one's figures.
    if (!cpu.supports(isa) || isa == Isa::reference) continue;
    for (const auto& [type, type_name] : kTypes) {
      for (const size_t head_dim : {64, 128, 256}) {
        for (const bool decode : {true, false}) {
          const Case c{.isa = isa,
                       .type = type,
                       .head_dim = head_dim,
                       .decode = decode,
                       .n_q = decode ? 3U : 128U,
                       .n_kv = decode ? 1024U : 512U};
          const std::string name = std::string("attention/") + (decode ? "decode/" : "prefill/") +
                                   type_name + "/" + std::to_string(head_dim) + "/" +
                                   std::string(isa_name(isa));
          benchmark::RegisterBenchmark(name.c_str(), run, c);
        }
      }
    }
  }
}

[[maybe_unused]] const bool kRegistered = (register_cases(), true);

}  // namespace
}  // namespace wattle::kernels
