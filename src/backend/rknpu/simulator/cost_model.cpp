// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/simulator/cost_model.h"

#include <algorithm>
#include <iterator>

namespace wattle::rknpu {
namespace {

constexpr CostConstants kCosts;

double gmacs_of(const ConvolutionTask& task) {
  const double native = task.operand == Operand::f16  ? kCosts.f16_gmacs
                        : task.operand == Operand::i8 ? kCosts.i8_gmacs
                                                      : kCosts.i4_gmacs;
  const bool is_row_major = task.results.surface_bytes == 16 && task.results.n_pixels() > 1;
  return is_row_major ? native * kCosts.row_major_share : native;
}

// A core reads while it multiplies: the slower of the two counts.
double task_ms(const ConvolutionTask& task, double mhz, size_t n_lists) {
  const double n_pixels = task.features.n_pixels();
  const double macs = n_pixels * task.n_k * task.n_n;
  const double multiply_ms = macs / (gmacs_of(task) * 1e6) * (1000 / mhz);
  const double weights = task.weight_reuse ? 0 : static_cast<double>(task.weight_bytes());
  const double features = task.data_reuse ? 0 : n_pixels * task.row_bytes();
  const double results = n_pixels * task.n_written * bytes_of(task.result);
  double gbytes_per_s = kCosts.gbytes_per_s[n_lists - 1];
  if (task.operand == Operand::i4 && task.features.n_pixels() <= kCosts.i4_few_rows)
    gbytes_per_s = std::min(gbytes_per_s, kCosts.i4_gbytes_per_s);
  // What all lists together get is shared evenly.
  const double bytes_ms =
      (weights + features + results) * static_cast<double>(n_lists) / (gbytes_per_s * 1e6);
  return std::max(multiply_ms, bytes_ms);
}

}  // namespace

SubmitCost project(std::span<const std::vector<ConvolutionTask>> lists, Form form,
                   bool switches_domain) {
  const bool is_vendor = form == Form::vendor;
  const double mhz = is_vendor ? kCosts.vendor_mhz : kCosts.rocket_mhz;
  const size_t n_lists = std::clamp<size_t>(lists.size(), 1, std::size(kCosts.gbytes_per_s));
  double slowest = 0;
  for (const auto& tasks : lists) {
    double ms = 0;
    for (const ConvolutionTask& task : tasks) {
      ms += task_ms(task, mhz, n_lists);
      ms += (is_vendor ? kCosts.task_us : kCosts.rocket_task_us) / 1000;
    }
    slowest = std::max(slowest, ms);
  }
  const double us = kCosts.submit_us + (switches_domain ? kCosts.domain_switch_us : 0);
  const double ms = slowest + us / 1000;
  return {.ms = ms, .mj = ms * kCosts.busy_watts};
}

}  // namespace wattle::rknpu
