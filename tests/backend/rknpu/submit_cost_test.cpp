// SPDX-License-Identifier: Apache-2.0
// Projections beside what others have published for boards: docs/npu.md has the same table.
#include "backend/rknpu/cost/submit_cost.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <tuple>
#include <utility>
#include <vector>

#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/matmul_task.h"
#include "backend/rknpu/simulator/convolution_task.h"

namespace wattle::rknpu {
namespace {

using Tasks = std::vector<TaskWork>;

Tasks product(MatmulType type, uint32_t m, uint32_t k, uint32_t n) {
  Tasks tasks;
  for (const MatmulTask& task :
       plan_matmul({.type = type, .m = m, .k = k, .n = n}, Orientation::native)) {
    tasks.push_back(work_of(task));
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

TEST(RknpuSubmitCost, LiesNearPublishedFigures) {
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

MatmulTask first_task(MatmulType type, uint32_t m, uint32_t k, uint32_t n,
                      Orientation orientation = Orientation::native) {
  return plan_matmul({.type = type, .m = m, .k = k, .n = n}, orientation)[0];
}

TEST(RknpuSubmitCost, CountsWhatIsReused) {
  MatmulTask task = first_task(MatmulType::i8_i8_i32, 4, 4096, 64);
  const Tasks reads_all{work_of(task)};
  task.weight_reuse = true;
  EXPECT_LT(ms_on(1, {work_of(task)}), ms_on(1, reads_all));
  EXPECT_GT(project({&reads_all, 1}, Form::vendor, true).ms, ms_on(1, reads_all));
  EXPECT_GT(project({&reads_all, 1}, Form::rocket, false).ms, ms_on(1, reads_all));
}

TEST(RknpuSubmitCost, TasksAlikeCostAsMuchAsEachOfThem) {
  Tasks one = {work_of(first_task(MatmulType::i4_i4_i16, 8, 32, 128))};
  const Tasks three(3, one[0]);
  one[0].n = 3;
  EXPECT_DOUBLE_EQ(ms_on(1, one), ms_on(1, three));
}

// The simulator prices what registers ask for, plans what they were made from.
TEST(RknpuSubmitCost, WorkOfATaskIsThatOfItsRegisters) {
  for (const auto& [type, m, k, n, orientation] :
       {std::tuple{MatmulType::f16_f16_f32, 512U, 1024U, 160U, Orientation::native},
        std::tuple{MatmulType::i8_i8_i32, 1U, 576U, 64U, Orientation::native},
        std::tuple{MatmulType::i4_i4_i16, 128U, 32U, 8128U, Orientation::native},
        std::tuple{MatmulType::i8_i8_i32, 64U, 512U, 96U, Orientation::row_major},
        std::tuple{MatmulType::f16_f16_f16, 12U, 64U, 32U, Orientation::column}}) {
    const MatmulTask task = first_task(type, m, k, n, orientation);
    RegisterFile registers;
    for (const RegisterWrite& write : register_writes(task, false)) registers.set(write);
    ConvolutionTask decoded;
    ASSERT_EQ(decode(registers, decoded), "");
    const TaskWork planned = work_of(task);
    const TaskWork read = work_of(decoded);
    EXPECT_EQ(planned.operand_bits, read.operand_bits);
    EXPECT_EQ(planned.rows, read.rows);
    EXPECT_EQ(planned.macs, read.macs);
    EXPECT_EQ(planned.bytes, read.bytes);
    EXPECT_EQ(planned.is_row_major, read.is_row_major);
  }
}

}  // namespace
}  // namespace wattle::rknpu
