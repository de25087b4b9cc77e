// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/simulator/cost_model.h"

#include <algorithm>
#include <iterator>

namespace wattle::rknpu {
namespace {

double gmacs_of(const ConvolutionTask& task, const CostConstants& c) {
  const double native = task.operand == Operand::f16  ? c.f16_gmacs
                        : task.operand == Operand::i8 ? c.i8_gmacs
                                                      : c.i4_gmacs;
  const bool is_row_major = task.results.surface_bytes == 16 && task.results.n_pixels() > 1;
  return is_row_major ? native * c.row_major_share : native;
}

// A core reads while it multiplies: the slower of the two counts.
double task_ms(const ConvolutionTask& task, double mhz, size_t n_lists, const CostConstants& c) {
  const double n_pixels = task.features.n_pixels();
  const double macs = n_pixels * task.n_k * task.n_n;
  const double multiply_ms = macs / (gmacs_of(task, c) * 1e6) * (1000 / mhz);
  const double weights = task.weight_reuse ? 0 : static_cast<double>(task.weight_bytes());
  const double features = task.data_reuse ? 0 : n_pixels * task.row_bytes();
  const double results = n_pixels * task.n_written * bytes_of(task.result);
  double gbytes_per_s = c.gbytes_per_s[n_lists - 1];
  if (task.operand == Operand::i4 && task.features.n_pixels() <= c.i4_few_rows)
    gbytes_per_s = std::min(gbytes_per_s, c.i4_gbytes_per_s);
  // What all lists together get is shared evenly.
  const double bytes_ms =
      (weights + features + results) * static_cast<double>(n_lists) / (gbytes_per_s * 1e6);
  return std::max(multiply_ms, bytes_ms);
}

}  // namespace

SubmitCost project(std::span<const std::vector<ConvolutionTask>> lists, Form form,
                   bool switches_domain, const CostConstants& c) {
  const bool is_vendor = form == Form::vendor;
  const double mhz = is_vendor ? c.vendor_mhz : c.rocket_mhz;
  const size_t n_lists = std::clamp<size_t>(lists.size(), 1, std::size(c.gbytes_per_s));
  double slowest = 0;
  for (const auto& tasks : lists) {
    double ms = 0;
    for (const ConvolutionTask& task : tasks) {
      ms += task_ms(task, mhz, n_lists, c);
      ms += (is_vendor ? c.task_us : c.rocket_task_us) / 1000;
    }
    slowest = std::max(slowest, ms);
  }
  const double us = c.submit_us + (switches_domain ? c.domain_switch_us : 0);
  const double ms = slowest + us / 1000;
  return {.ms = ms, .mj = ms * c.busy_watts};
}

}  // namespace wattle::rknpu
