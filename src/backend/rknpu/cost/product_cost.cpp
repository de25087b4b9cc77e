// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/cost/product_cost.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/rknpu/cost/submit_cost.h"
#include "backend/rknpu/driver/domain_room.h"
#include "backend/rknpu/input_rows.h"
#include "backend/rknpu/matmul_plan.h"
#include "backend/rknpu/numerics/int4_weights.h"
#include "backend/rknpu/round_limits.h"
#include "backend/rknpu/streamed_matrix.h"

namespace wattle::rknpu {
namespace {

constexpr size_t kCores = 3;

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

double file_bytes(const ProductShape& w) {
  return static_cast<double>(w.n_out * row_bytes(w.dtype, w.n_in));
}

// What products make to do. The processor's is time of its memory; the bytes of both are those that
// pass through the memory that they share.
struct Work {
  double npu_ms = 0;  // without what submits take
  double npu_bytes = 0;
  double cpu_ms = 0;
  double cpu_bytes = 0;
  double output_bytes = 0;  // of a core
  double slots = 0;         // of the ring

  void add(double n, const Work& other) noexcept {
    npu_ms += n * other.npu_ms;
    npu_bytes += n * other.npu_bytes;
    cpu_ms += n * other.cpu_ms;
    cpu_bytes += n * other.cpu_bytes;
    output_bytes += n * other.output_bytes;
    slots += n * other.slots;
  }
  void add_cpu_bytes(double bytes) noexcept {
    cpu_ms += read_ms(bytes);
    cpu_bytes += bytes;
  }
};

// Of n_out outputs, from the packed weights to the sums of floats.
Work outputs_work(Arithmetic arithmetic, const KTiles& tiles, size_t n_rows, size_t n_out) {
  const MatmulTypeInfo& type = info(matmul_type_of(arithmetic));
  const size_t n_groups = (n_out + type.kernel_group - 1) / type.kernel_group;
  const size_t n_lists = std::min(kCores, n_groups);
  const size_t n_columns = (n_groups + n_lists - 1) / n_lists * type.kernel_group;
  Work work;
  std::vector<TaskWork> list;
  const auto add_chunks = [&](size_t rows, size_t n) {
    if (rows == 0 || n == 0) return;
    const uint32_t m = product_rows(arithmetic, rows);
    work.output_bytes += static_cast<double>(m) * static_cast<double>(n * tiles.n) *
                         static_cast<double>(n_columns * type.output_bytes);
    for (const MatmulTask& task : plan_matmul({.type = type.type,
                                               .m = m,
                                               .k = static_cast<uint32_t>(tiles.size),
                                               .n = static_cast<uint32_t>(n_columns)},
                                              Orientation::native)) {
      list.push_back(work_of(task));
      list.back().n = static_cast<uint32_t>(n * tiles.n);
      work.npu_bytes += static_cast<double>(n_lists * list.back().n) * list.back().bytes;
    }
  };
  const size_t chunk = chunk_rows(arithmetic, Form::vendor, tiles);
  add_chunks(chunk, n_rows / chunk);
  add_chunks(n_rows % chunk, 1);
  work.npu_ms =
      project(std::vector(n_lists, list), Form::vendor, false).ms - kBoard.submit_us / 1000;
  work.add_cpu_bytes(work.output_bytes * static_cast<double>(n_lists) +
                     static_cast<double>(n_rows * n_out) * 2 * sizeof(float));
  return work;
}

// Of turning rows into what the NPU multiplies.
Work inputs_work(const ProductShape& w, Arithmetic arithmetic, const KTiles& tiles, size_t n_rows) {
  const MatmulTypeInfo& type = info(matmul_type_of(arithmetic));
  const size_t chunk = chunk_rows(arithmetic, Form::vendor, tiles);
  const size_t packed_rows =
      n_rows / chunk * product_rows(arithmetic, chunk) + product_rows(arithmetic, n_rows % chunk);
  Work work;
  work.add_cpu_bytes(
      static_cast<double>(n_rows * w.n_in) * sizeof(float) +
      static_cast<double>(packed_rows * type.row_bytes(static_cast<uint32_t>(tiles.n_k()))));
  return work;
}

// The same weights and products by slices, which are packed once for the rows of a piece.
Work streamed_work(const ProductShape& w, Arithmetic arithmetic, const KTiles& tiles,
                   size_t n_rows) {
  const NpuInfo npu = planned_npu();
  const TensorView matrix{
      .name = {}, .dtype = w.dtype, .n_dims = 2, .shape = {w.n_out, w.n_in, 1, 1}};
  const StreamedMatrix streamed(matrix, 1, arithmetic, npu);
  Work work;
  const auto add_slices = [&](RowRange outputs, size_t n) {
    if (outputs.size() == 0 || n == 0) return;
    Work slice = outputs_work(arithmetic, tiles, n_rows, outputs.size());
    const size_t packed_bytes = streamed.bytes_needed(outputs, npu).front();
    const double n_times = std::ceil(static_cast<double>(n_rows) / static_cast<double>(kRoundRows));
    const double share = static_cast<double>(outputs.size()) / static_cast<double>(w.n_out);
    const double bytes = share * file_bytes(w) + static_cast<double>(packed_bytes);
    const double n_weights = share * static_cast<double>(w.n_out * w.n_in);
    const double gweights =
        w.dtype == DType::q4_0 ? kBoard.cpu_pack_q4_0_gweights : kBoard.cpu_pack_gweights;
    slice.cpu_ms += n_times * std::max(read_ms(bytes), n_weights / (gweights * 1e6));
    slice.cpu_bytes += n_times * bytes;
    const size_t slices_of_slot = slice_bytes(npu) / packed_bytes;
    slice.slots = n_times / static_cast<double>(slices_of_slot);
    work.add(static_cast<double>(n), slice);
  };
  const RowRange first = streamed.slice(0);
  const size_t n_whole = w.n_out / first.size();
  add_slices(first, n_whole);
  add_slices({n_whole * first.size(), w.n_out}, 1);
  return work;
}

}  // namespace

NpuInfo planned_npu() {
  NpuInfo npu;
  npu.n_cores = kCores;
  npu.n_domains = 16;
  npu.domain_bytes = kDomainBytes;
  npu.lists_per_domain = kCores;
  npu.domains_per_submit = 1;
  return npu;
}

Cost cpu_product(const ProductShape& w, size_t n_rows) {
  const double macs = static_cast<double>(n_rows) * static_cast<double>(w.n_out * w.n_in);
  return of_cpu(std::max(macs / (cpu_gmacs(w.dtype, w.precision) * 1e6), read_ms(file_bytes(w))));
}

Cost npu_products(const ProductShape& w, const NpuWay& way, size_t n_rows, double n_matrices) {
  const KTiles tiles = tiles_of(way.arithmetic, Form::vendor, w.n_in);
  Work work;
  work.add(n_matrices, inputs_work(w, way.arithmetic, tiles, n_rows));
  work.add(n_matrices, way.holding == Holding::resident
                           ? outputs_work(way.arithmetic, tiles, n_rows, w.n_out)
                           : streamed_work(w, way.arithmetic, tiles, n_rows));
  const double n_pieces =
      n_matrices * static_cast<double>(n_rows) / static_cast<double>(kRoundRows);
  const double n_rounds = std::max(
      {1.0, n_pieces, work.output_bytes / static_cast<double>(kRoundOutputBytes), work.slots});

  const double npu_ms = work.npu_ms + n_rounds * kBoard.submit_us / 1000;
  const double alone_ms = work.cpu_ms / n_rounds;
  const double cpu_ms = work.cpu_ms - alone_ms;  // while the NPU works
  const double memory_ms =
      (work.npu_bytes + work.cpu_bytes * (1 - 1 / n_rounds)) / (kBoard.memory_gbytes_per_s * 1e6);
  const double longer_ms = std::max(npu_ms, cpu_ms);
  const double ms = std::max(longer_ms, memory_ms);
  // Who waits for the memory works on.
  const double mj = (npu_ms * kBoard.busy_watts + cpu_ms * kBoard.cpu_watts) * (ms / longer_ms);
  return Cost{.ms = ms, .mj = mj} + of_cpu(alone_ms);
}

Cost cpu_work(double macs, double bytes) {
  return of_cpu(macs / (kBoard.cpu_float_gmacs * 1e6) + read_ms(bytes));
}

}  // namespace wattle::rknpu
