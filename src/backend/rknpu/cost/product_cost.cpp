// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/cost/product_cost.h"

#include <algorithm>
#include <vector>

#include "backend/rknpu/cost/submit_cost.h"
#include "backend/rknpu/input_rows.h"
#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/numerics/int4_weights.h"

namespace wattle::rknpu {
namespace {

constexpr size_t kCores = 3;
constexpr double kOutputBytes = 4 << 20;  // results of a core that a submit computes at most

Cost of_cpu(double ms) { return {.ms = ms, .mj = ms * kBoard.cpu_watts}; }

double read_ms(double bytes) { return bytes / (kBoard.cpu_gbytes_per_s * 1e6); }

double cpu_gmacs(DType dtype, Precision precision) {
  if (dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16)
    return kBoard.cpu_float_gmacs;  // has no other precision
  const double normal = int4_type(dtype)       ? kBoard.cpu_int4_gmacs
                        : dtype == DType::q8_0 ? kBoard.cpu_int8_gmacs
                                               : kBoard.cpu_other_gmacs;
  return precision == Precision::fine ? normal * kBoard.cpu_fine_share : normal;
}

uint32_t product_rows(Arithmetic arithmetic, size_t n) {
  return static_cast<uint32_t>((n * planes_of(arithmetic) + 3) / 4 * 4);
}

}  // namespace

Cost cpu_product(const ProductShape& w, size_t n_rows) {
  const double macs = static_cast<double>(n_rows) * static_cast<double>(w.n_out * w.n_in);
  const double bytes = static_cast<double>(w.n_out * row_bytes(w.dtype, w.n_in));
  return of_cpu(std::max(macs / (cpu_gmacs(w.dtype, w.precision) * 1e6), read_ms(bytes)));
}

Cost npu_product(const ProductShape& w, Arithmetic arithmetic, size_t n_rows, double submit_share) {
  const MatmulTypeInfo& type = info(matmul_type_of(arithmetic));
  const KTiles tiles = tiles_of(arithmetic, Form::vendor, w.n_in);
  const size_t n_groups = (w.n_out + type.kernel_group - 1) / type.kernel_group;
  const size_t n_lists = std::min(kCores, n_groups);
  const size_t n_columns = (n_groups + n_lists - 1) / n_lists * type.kernel_group;

  std::vector<TaskWork> list;
  double product_rows_of_all = 0;
  const auto add_chunks = [&](size_t rows, size_t n) {
    if (rows == 0 || n == 0) return;
    const uint32_t m = product_rows(arithmetic, rows);
    product_rows_of_all += static_cast<double>(m) * static_cast<double>(n);
    for (const MatmulTask& task : plan_matmul({.type = type.type,
                                               .m = m,
                                               .k = static_cast<uint32_t>(tiles.size),
                                               .n = static_cast<uint32_t>(n_columns)},
                                              Orientation::native)) {
      list.push_back(work_of(task));
      list.back().n = static_cast<uint32_t>(n * tiles.n);
    }
  };
  const size_t chunk = chunk_rows(arithmetic, Form::vendor, tiles);
  add_chunks(chunk, n_rows / chunk);
  add_chunks(n_rows % chunk, 1);

  Cost cost = project(std::vector(n_lists, list), Form::vendor, false);
  const double results_of_core = product_rows_of_all * static_cast<double>(tiles.n) *
                                 static_cast<double>(n_columns * type.output_bytes);
  const double n_submits = std::max(submit_share, results_of_core / kOutputBytes);
  const double submit_ms = (n_submits - 1) * kBoard.submit_us / 1000;
  cost += {.ms = submit_ms, .mj = submit_ms * kBoard.busy_watts};

  const auto rows = static_cast<double>(n_rows);
  const double packed = product_rows_of_all * type.row_bytes(static_cast<uint32_t>(tiles.n_k()));
  const double inputs = rows * static_cast<double>(w.n_in) * sizeof(float) + packed;
  const double outputs = results_of_core * static_cast<double>(n_lists) +
                         rows * static_cast<double>(w.n_out) * 2 * sizeof(float);
  return cost + of_cpu(read_ms(inputs + outputs));
}

Cost cpu_work(double macs, double bytes) {
  return of_cpu(macs / (kBoard.cpu_float_gmacs * 1e6) + read_ms(bytes));
}

}  // namespace wattle::rknpu
