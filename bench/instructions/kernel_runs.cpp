// SPDX-License-Identifier: Apache-2.0
// Runs one kernel on fixed inputs, for whoever counts instructions: kernel_runs OP TYPE N.
//   OP    matvec: one activation row; matmul: 32 rows, packing included. 64 x 1024 weights
//         pack: the same weights for the NPU in f16, each of which counts as a product
//   TYPE  q4_0 ...
//   N     calls: the difference between two N is the kernel alone
// The set is that of WATTLE_ISA, or the best one.
#include <charconv>
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.h"
#include "bench/packing_case.h"
#include "kernels/kernels.h"
#include "tests/support/random_blocks.h"

namespace wattle::kernels {
namespace {

constexpr size_t kRows = 64;
constexpr size_t kCols = 1024;
constexpr size_t kManyActs = 32;

void pack(DType type, int n_calls) {
  bench::PackingCase packing(type, kRows, kCols, {.n_threads = 1});
  for (int i = 0; i < n_calls; ++i) packing.pack();
}

void multiply(const KernelTable& table, DType type, bool matmul, int n_calls) {
  const MatmulKernel& kernel = *table.matmul_for(type);
  test::RandomBlocks random(1);
  const AlignedBuffer<std::byte> w = random.rows(type, kRows, kCols);
  const size_t n_act = matmul ? kManyActs : 1;
  const size_t act_bytes = act_row_bytes(kernel.act, kCols);
  AlignedBuffer<std::byte> act(n_act * act_bytes);
  AlignedBuffer<float> y(n_act * kRows);
  std::vector<const std::byte*> act_rows;
  std::vector<float*> y_rows;
  for (size_t a = 0; a < n_act; ++a) {
    table.quantize_act(random.floats(kCols).data(), kCols, act.data() + a * act_bytes);
    act_rows.push_back(act.data() + a * act_bytes);
    y_rows.push_back(y.data() + a * kRows);
  }
  AlignedBuffer<std::byte> scratch(kernel.scratch_bytes(kCols));
  const MatmulArgs args{.w = w.data(),
                        .w_row_bytes = row_bytes(type, kCols),
                        .n_cols = kCols,
                        .act = act_rows.data(),
                        .y = y_rows.data(),
                        .n_act = n_act,
                        .scratch = scratch.data()};
  for (int i = 0; i < n_calls; ++i) (matmul ? kernel.matmul : kernel.matvec)(args, {0, kRows});
}

int main_of(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  int n_calls = 0;
  if (words.size() == 3) std::from_chars(words[2].begin(), words[2].end(), n_calls);
  if (n_calls < 1 || (words[0] != "matvec" && words[0] != "matmul" && words[0] != "pack")) {
    std::fprintf(stderr, "usage: kernel_runs matvec|matmul|pack TYPE N\n");
    return 2;
  }
  const CpuFeatures features = detect_cpu_features();
  const KernelTable table = make_kernel_table(features, isa_from_environment(features));
  for (const DTypeInfo& info : all_dtypes()) {
    if (info.name != words[1] || table.matmul_for(info.type)->act != ActFormat::q8) continue;
    if (words[0] == "pack") {
      pack(info.type, n_calls);
    } else {
      multiply(table, info.type, words[0] == "matmul", n_calls);
    }
    std::printf("%s: %zu products\n", std::string(table.matmul_for(info.type)->name).c_str(),
                kRows * kCols * (words[0] == "matmul" ? kManyActs : 1));
    return 0;
  }
  std::fprintf(stderr, "kernel_runs: no quantised type is called %s\n", argv[2]);
  return 2;
}

}  // namespace
}  // namespace wattle::kernels

int main(int argc, char** argv) { return wattle::kernels::main_of(argc, argv); }
