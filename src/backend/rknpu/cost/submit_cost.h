// SPDX-License-Identifier: Apache-2.0
// How long the NPU of a board would take for a submit, and with how much energy: a projection from
// published figures.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/rknpu/cost/board_figures.h"
#include "backend/rknpu/form.h"
#include "backend/rknpu/matmul_task.h"

namespace wattle::rknpu {

// What takes time of a task.
struct TaskWork {
  uint32_t operand_bits = 8;  // 16: f16
  uint64_t rows = 0;
  double macs = 0;
  double bytes = 0;           // weights, features and results that are moved
  bool is_row_major = false;  // the results
  uint32_t n = 1;             // so many tasks alike
};

TaskWork work_of(const MatmulTask& task);

// Of one submit: the tasks of each list.
Cost project(std::span<const std::vector<TaskWork>> lists, Form form, bool switches_domain);

}  // namespace wattle::rknpu
