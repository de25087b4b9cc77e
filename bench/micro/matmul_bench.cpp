// SPDX-License-Identifier: Apache-2.0
// Matrix products by type and kernel set, one thread. Shapes:
//   decode   one activation row through weights far larger than the caches: GB/s of weights
//   cached   one activation row through a matrix of SmolLM2 (1536 x 576, or 512), again and again
//   batch    2 ... 16 activation rows, where matvec and matmul meet: time of both
//   prefill  512 activation rows, 256 x 2048: multiplications and additions per second
// Compare with roofline_bench.cpp of the same run.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/huge_pages.h"
#include "kernels/kernels.h"
#include "tests/support/random_blocks.h"

namespace wattle::kernels {
namespace {

struct Case {
  DType type;
  Isa isa;
  size_t n_rows;
  size_t n_cols;
  size_t n_act;
  bool matmul;
};

void run(benchmark::State& state, const Case& c) {
  const KernelTable table = make_kernel_table(detect_cpu_features(), c.isa);
  const MatmulKernel& kernel = *table.matmul_for(c.type);
  test::RandomBlocks random(1);

  // A few random rows, repeated.
  const size_t w_row_bytes = row_bytes(c.type, c.n_cols);
  const size_t n_random = std::min<size_t>(c.n_rows, 64);
  const AlignedBuffer<std::byte> some = random.rows(c.type, n_random, c.n_cols);
  const HugePages w(c.n_rows * w_row_bytes);
  for (size_t r = 0; r < c.n_rows; ++r)
    std::memcpy(w.data() + r * w_row_bytes, some.data() + r % n_random * w_row_bytes, w_row_bytes);

  const size_t act_bytes = act_row_bytes(kernel.act, c.n_cols);
  AlignedBuffer<std::byte> act(c.n_act * act_bytes);
  AlignedBuffer<float> y(c.n_act * c.n_rows);
  std::vector<const std::byte*> act_rows;
  std::vector<float*> y_rows;
  for (size_t a = 0; a < c.n_act; ++a) {
    const AlignedBuffer<float> x = random.floats(c.n_cols);
    std::byte* row = act.data() + a * act_bytes;
    if (kernel.act == ActFormat::q8)
      table.quantize_act(x.data(), c.n_cols, row);
    else if (kernel.act == ActFormat::bf16)
      table.round_act(x.data(), c.n_cols, row);
    else
      std::memcpy(row, x.data(), c.n_cols * sizeof(float));
    act_rows.push_back(row);
    y_rows.push_back(y.data() + a * c.n_rows);
  }
  AlignedBuffer<std::byte> scratch(kernel.scratch_bytes(c.n_cols));
  const MatmulArgs args{.w = w.data(),
                        .w_row_bytes = w_row_bytes,
                        .n_cols = c.n_cols,
                        .act = act_rows.data(),
                        .y = y_rows.data(),
                        .n_act = c.n_act,
                        .scratch = scratch.data()};
  for (auto _ : state) {
    (c.matmul ? kernel.matmul : kernel.matvec)(args, {0, c.n_rows});
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  const auto n = static_cast<double>(state.iterations());
  const auto ops = 2.0 * static_cast<double>(c.n_rows * c.n_cols * c.n_act);
  state.counters["GB/s"] =
      benchmark::Counter(n * static_cast<double>(w.size()) * 1e-9, benchmark::Counter::kIsRate);
  state.counters["GOPS"] = benchmark::Counter(n * ops * 1e-9, benchmark::Counter::kIsRate);
}

const bool kRegistered = [] {
  const CpuFeatures features = detect_cpu_features();
  for (const Isa isa : all_isas_fastest_first()) {
    if (!features.supports(isa) || isa == Isa::reference || isa == Isa::scalar) continue;
    const KernelTable table = make_kernel_table(features, isa);
    for (const DTypeInfo& info : all_dtypes()) {
      if (table.matmul_for(info.type)->name != isa_name(isa)) continue;
      const auto add = [&](const std::string& shape, const Case& c) {
        const std::string name = shape + "/" + std::string(isa_name(isa)) + "/" +
                                 std::string(info.name) + (c.matmul ? "/matmul" : "/matvec");
        benchmark::RegisterBenchmark(name.c_str(), [c](benchmark::State& state) { run(state, c); });
      };
      const size_t n_rows = (size_t{128} << 20) / row_bytes(info.type, 2048);
      add("decode", {info.type, isa, n_rows, 2048, 1, false});
      add("cached", {info.type, isa, 1536, info.block_elems == 256 ? 512u : 576u, 1, false});
      for (const size_t n_act : {2, 3, 4, 6, 8, 16}) {
        for (const bool matmul : {false, true}) {
          add("batch" + std::to_string(n_act), {info.type, isa, 1024, 1024, n_act, matmul});
        }
      }
      add("prefill", {info.type, isa, 256, 2048, 512, true});
    }
  }
  return true;
}();

}  // namespace
}  // namespace wattle::kernels
