// SPDX-License-Identifier: Apache-2.0
// Projections beside what others have published for boards: docs/npu.md has the same table.
#include "backend/rknpu/simulator/cost_model.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/matmul_task.h"

namespace wattle::rknpu {
namespace {

using Tasks = std::vector<ConvolutionTask>;

Tasks product(MatmulType type, uint32_t m, uint32_t k, uint32_t n) {
  Tasks tasks;
  for (const MatmulTask& task :
       plan_matmul({.type = type, .m = m, .k = k, .n = n}, Orientation::native)) {
    RegisterFile registers;
    for (const RegisterWrite& write : register_writes(task, false)) registers.set(write);
    EXPECT_EQ(decode(registers, tasks.emplace_back()), "");
  }
  return tasks;
}

double ms_on(size_t n_cores, const Tasks& tasks) {
  return project(std::vector(n_cores, tasks), Form::vendor, false).ms;
}

// One token: columns of each matrix are shared by three cores, one submit each.
double decode_ms(std::initializer_list<std::pair<uint32_t, uint32_t>> layer, int n_layer,
                 std::pair<uint32_t, uint32_t> head) {
  const auto matrix_ms = [](const std::pair<uint32_t, uint32_t>& k_n) {
    const uint32_t columns = (k_n.second / 3 + 31) / 32 * 32;
    return ms_on(3, product(MatmulType::i8_i8_i32, 1, k_n.first, columns));
  };
  double ms = matrix_ms(head);
  for (const auto& matrix : layer) ms += n_layer * matrix_ms(matrix);
  return ms;
}

// Tiles of 480 of k, two digits of each activation.
Tasks w4a8(uint32_t m, uint32_t k, uint32_t n) {
  Tasks tasks;
  for (uint32_t tile = 0; tile < k; tile += 480) {
    const Tasks of_tile = product(MatmulType::i4_i4_i16, m, std::min(480U, k - tile), n);
    for (int digit = 0; digit < 2; ++digit)
      tasks.insert(tasks.end(), of_tile.begin(), of_tile.end());
  }
  return tasks;
}

TEST(RknpuCostModel, LiesNearPublishedFigures) {
  struct Case {
    const char* what;
    double published_ms;
    double projected_ms;
  };
  const Case kCases[] = {
      {"i4 128 x 1024 x 8192, one core (clehaxze.tw)", 0.54,
       ms_on(1, product(MatmulType::i4_i4_i16, 128, 1024, 8192))},
      {"i8 128 x 1024 x 8192, one core (clehaxze.tw)", 1.19,
       ms_on(1, product(MatmulType::i8_i8_i32, 128, 1024, 8192))},
      {"f16 128 x 1024 x 8192, one core (clehaxze.tw)", 2.39,
       ms_on(1, product(MatmulType::f16_f16_f32, 128, 1024, 8192))},
      {"W4A8 128 x 11008 x 4096, three cores (happyme531)", 4.0, ms_on(3, w4a8(128, 11008, 1408))},
      {"f16 512 x 3840 x 4096, three cores (rocket-userspace's author)", 27,
       ms_on(3, product(MatmulType::f16_f16_f32, 512, 3840, 1376))},
      {"a token of Qwen3-1.7B, W8A8 (ork-driver, 12.8 t/s)", 78,
       decode_ms({{2048, 4096}, {2048, 2048}, {2048, 12288}, {6144, 2048}}, 28, {2048, 151936})},
      {"a token of Gemma3-1B, W8A8 (rk-llama.cpp, 16.5 t/s)", 61,
       decode_ms({{1152, 1536}, {1024, 1152}, {1152, 13824}, {6912, 1152}}, 26, {1152, 262144})},
  };
  for (const auto& [what, published_ms, projected_ms] : kCases) {
    fmt::print("{}: projected {:.2f} ms, published {} ms\n", what, projected_ms, published_ms);
    EXPECT_GT(projected_ms, 0.8 * published_ms) << what;
    EXPECT_LT(projected_ms, 2.0 * published_ms) << what;
  }
}

TEST(RknpuCostModel, CountsWhatIsReused) {
  Tasks tasks = product(MatmulType::i8_i8_i32, 1, 4096, 64);
  const double ms = ms_on(1, tasks);
  tasks[0].weight_reuse = true;
  EXPECT_LT(ms_on(1, tasks), ms);
  EXPECT_GT(project({&tasks, 1}, Form::vendor, true).ms, ms_on(1, tasks));
  EXPECT_GT(project({&tasks, 1}, Form::rocket, false).ms, ms_on(1, tasks));
}

}  // namespace
}  // namespace wattle::rknpu
