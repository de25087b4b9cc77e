// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/cost/submit_cost.h"

#include <algorithm>
#include <iterator>

namespace wattle::rknpu {
namespace {

double gmacs_of(const TaskWork& task) {
  const double native = task.operand_bits == 16  ? kBoard.f16_gmacs
                        : task.operand_bits == 8 ? kBoard.i8_gmacs
                                                 : kBoard.i4_gmacs;
  return task.is_row_major ? native * kBoard.row_major_share : native;
}

// A core reads while it multiplies: the slower of the two counts.
double task_ms(const TaskWork& task, double mhz, size_t n_lists) {
  const double multiply_ms = task.macs / (gmacs_of(task) * 1e6) * (1000 / mhz);
  double gbytes_per_s = kBoard.gbytes_per_s[n_lists - 1];
  if (task.operand_bits == 4 && task.rows <= kBoard.i4_few_rows)
    gbytes_per_s = std::min(gbytes_per_s, kBoard.i4_gbytes_per_s);
  // What all lists together get is shared evenly.
  const double bytes_ms = task.bytes * static_cast<double>(n_lists) / (gbytes_per_s * 1e6);
  return std::max(multiply_ms, bytes_ms);
}

}  // namespace

TaskWork work_of(const MatmulTask& task) {
  const MatmulTypeInfo& type = info(task.type);
  const double rows = static_cast<double>(task.width) * task.height;
  const double row_bytes = type.row_bytes(task.k);
  const double weights = task.weight_reuse ? 0 : row_bytes * task.n;
  const double features = task.data_reuse ? 0 : row_bytes * rows;
  return {.operand_bits = type.operand_bits,
          .rows = uint64_t{task.width} * task.height,
          .macs = rows * task.k * task.n,
          .bytes = weights + features + rows * task.n * type.output_bytes,
          .is_row_major = task.c_rows == 1 && rows > 1};
}

Cost project(std::span<const std::vector<TaskWork>> lists, Form form, bool switches_domain) {
  const bool is_vendor = form == Form::vendor;
  const double mhz = is_vendor ? kBoard.vendor_mhz : kBoard.rocket_mhz;
  const double start_ms = (is_vendor ? kBoard.task_us : kBoard.rocket_task_us) / 1000;
  const size_t n_lists = std::clamp<size_t>(lists.size(), 1, std::size(kBoard.gbytes_per_s));
  double slowest = 0;
  for (const auto& tasks : lists) {
    double ms = 0;
    for (const TaskWork& task : tasks) ms += task.n * (task_ms(task, mhz, n_lists) + start_ms);
    slowest = std::max(slowest, ms);
  }
  const double us = kBoard.submit_us + (switches_domain ? kBoard.domain_switch_us : 0);
  const double ms = slowest + us / 1000;
  return {.ms = ms, .mj = ms * kBoard.busy_watts};
}

}  // namespace wattle::rknpu
