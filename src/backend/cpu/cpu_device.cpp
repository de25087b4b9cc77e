// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/cpu_device.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/assert.h"
#include "base/parallel_rows.h"

namespace wattle {
namespace {

using kernels::MatmulArgs;
using kernels::MatmulFn;
using kernels::MatmulKernel;

// In decode a chunk is worth some microseconds, so that handing it out costs little and the last
// one to finish does not keep the others waiting for long. In prefill it is more: chunk_unit() rows
// at least, times all activation rows.
constexpr size_t kChunkMacs = 64 * 1024;

// Outputs of different chunks lie on different cache lines.
constexpr size_t kRowsPerCacheLine = kCacheLine / sizeof(float);

class CpuLinear final : public Linear {
 public:
  CpuLinear(const Device& device, const TensorView& w, const MatmulKernel& kernel_in,
            const PrepareOptions& options)
      : Linear(device, w.shape[0], w.shape[1],
               kernel_in.act == kernels::ActFormat::q8 && options.precision == Precision::normal),
        kernel(kernel_in),
        form{kernel_in.act, options.precision},
        data(w.data),
        row_size(row_bytes(w.dtype, w.shape[1])),
        scale(options.scale) {}

  const MatmulKernel& kernel;
  ActForm form;
  const std::byte* data;
  size_t row_size;
  float scale;
};

class CpuExpertBank final : public ExpertBank {
 public:
  CpuExpertBank(const Device& device, const TensorView& w, const MatmulKernel& kernel_in,
                const PrepareOptions& options)
      : ExpertBank(device, w.shape[0], w.shape[1], w.shape[2]),
        kernel(kernel_in),
        form{kernel_in.act, options.precision},
        data(w.data),
        row_size(row_bytes(w.dtype, w.shape[2])) {}

  const std::byte* expert(size_t e) const noexcept { return data + e * n_out() * row_size; }

  const MatmulKernel& kernel;
  ActForm form;
  const std::byte* data;
  size_t row_size;
};

const CpuLinear& own(const Linear& w) noexcept { return static_cast<const CpuLinear&>(w); }
const CpuExpertBank& own(const ExpertBank& w) noexcept {
  return static_cast<const CpuExpertBank&>(w);
}

size_t round_up(size_t n, size_t unit) noexcept { return (n + unit - 1) / unit * unit; }

size_t chunk_unit(const MatmulKernel& kernel) noexcept {
  return std::lcm(kernel.tile_rows, kRowsPerCacheLine);
}

// Output rows of a chunk: a function of the shapes, never of the threads.
size_t chunk_rows_of(const MatmulKernel& kernel, size_t n_cols, size_t n_act) noexcept {
  return round_up(kChunkMacs / (n_cols * n_act) + 1, chunk_unit(kernel));
}

template <class T>
void grow(std::vector<T>& v, size_t n) {
  if (v.size() < n) v.resize(n);
}

template <class T>
void grow(AlignedBuffer<T>& buffer, size_t n) {
  if (buffer.size() < n) buffer = AlignedBuffer<T>(n);
}

}  // namespace

std::unique_ptr<Linear> CpuDevice::prepare(const TensorView& w, const PrepareOptions& options) {
  WATTLE_ASSERT(w.n_dims == 2);
  const MatmulKernel& kernel = *context_.kernels.matmul_for(w.dtype);
  reserve(kernel, w.shape[1], options, kMaxLinearCalls);
  return std::make_unique<CpuLinear>(*this, w, kernel, options);
}

std::unique_ptr<ExpertBank> CpuDevice::prepare_experts(const TensorView& w,
                                                       const PrepareOptions& options) {
  WATTLE_ASSERT(w.n_dims == 3);
  const MatmulKernel& kernel = *context_.kernels.matmul_for(w.dtype);
  reserve(kernel, w.shape[2], options,
          kMaxLinearCalls * std::min<size_t>(w.shape[0], options.max_slots));
  return std::make_unique<CpuExpertBank>(*this, w, kernel, options);
}

void CpuDevice::reserve(const MatmulKernel& kernel, size_t n_in, const PrepareOptions& options,
                        size_t max_jobs) {
  const ActForm form{kernel.act, options.precision};
  const size_t n_threads = context_.pool.size();
  const size_t n_results = std::max(options.max_rows, options.max_slots);
  rows_.reserve(options.max_rows, n_in, form);
  grow(acts_, kMaxLinearCalls * n_results * form.planes());
  grow(ys_, kMaxLinearCalls * n_results);
  grow(jobs_, max_jobs);
  scratch_bytes_ = std::max(scratch_bytes_, round_up(kernel.scratch_bytes(n_in), kCacheLine));
  grow(scratch_, scratch_bytes_ * n_threads);
  if (form.planes() == 1) return;
  // An upper bound of rows * chunk_rows_of for any number of rows up to n_results.
  const size_t most = kChunkMacs / n_in + n_results * chunk_unit(kernel);
  low_floats_ = std::max(low_floats_, round_up(most, kRowsPerCacheLine));
  grow(low_, low_floats_ * n_threads);
  plane_ys_size_ = std::max(plane_ys_size_, round_up(2 * n_results, kRowsPerCacheLine));
  grow(plane_ys_, plane_ys_size_ * n_threads);
}

void CpuDevice::linear(MatView<const float> x, std::span<const LinearCall> calls) noexcept {
  WATTLE_ASSERT(calls.size() <= kMaxLinearCalls);
  if (x.n_rows == 0) return;
  ActForms forms;
  for (const LinearCall& call : calls) forms.want(own(*call.w).form);
  rows_.prepare(x, forms);
  const std::byte** acts = acts_.data();
  float** ys = ys_.data();
  for (const LinearCall& call : calls) {
    const CpuLinear& w = own(*call.w);
    WATTLE_ASSERT(w.n_in() == x.n_cols && w.n_out() == call.y.n_cols && call.y.n_rows == x.n_rows);
    const size_t planes = w.form.planes();
    for (size_t r = 0; r < x.n_rows; ++r) {
      for (size_t p = 0; p < planes; ++p) acts[r * planes + p] = rows_.row(r, w.form, p);
      ys[r] = call.y.row(r);
    }
    add_job({.kernel = &w.kernel,
             .args = {.w = w.data,
                      .w_row_bytes = w.row_size,
                      .n_cols = x.n_cols,
                      .act = acts,
                      .y = ys,
                      .n_act = x.n_rows * planes},
             .planes = planes,
             .scale = w.scale},
            w.n_out());
    acts += x.n_rows * planes;
    ys += x.n_rows;
  }
  run_jobs();
}

void CpuDevice::experts(MatView<const float> x, const ExpertSlots& slots,
                        std::span<const ExpertCall> calls) noexcept {
  const size_t n_slots = slots.expert.size();
  WATTLE_ASSERT(calls.size() <= kMaxLinearCalls && slots.x_row.size() == n_slots);
  if (n_slots == 0) return;
  ActForms forms;
  for (const ExpertCall& call : calls) forms.want(own(*call.bank).form);
  rows_.prepare(x, forms);
  const std::byte** acts = acts_.data();
  float** ys = ys_.data();
  for (const ExpertCall& call : calls) {
    const CpuExpertBank& bank = own(*call.bank);
    WATTLE_ASSERT(bank.n_in() == x.n_cols && call.y.n_rows == n_slots);
    const size_t planes = bank.form.planes();
    for (size_t s = 0; s < n_slots; ++s) {
      for (size_t p = 0; p < planes; ++p) {
        acts[s * planes + p] = rows_.row(slots.x_row[s], bank.form, p);
      }
      ys[s] = call.y.row(s);
    }
    for (size_t begin = 0, end = 0; begin < n_slots; begin = end) {
      const uint32_t expert = slots.expert[begin];
      WATTLE_ASSERT(expert < bank.n_expert());
      while (end < n_slots && slots.expert[end] == expert) ++end;
      add_job({.kernel = &bank.kernel,
               .args = {.w = bank.expert(expert),
                        .w_row_bytes = bank.row_size,
                        .n_cols = x.n_cols,
                        .act = acts + begin * planes,
                        .y = ys + begin,
                        .n_act = (end - begin) * planes},
               .planes = planes},
              bank.n_out());
    }
    acts += n_slots * planes;
    ys += n_slots;
  }
  run_jobs();
}

void CpuDevice::add_job(Job job, size_t n_rows) noexcept {
  WATTLE_ASSERT(n_jobs_ < jobs_.size());
  job.n_rows = n_rows;
  job.chunk_rows = chunk_rows_of(*job.kernel, job.args.n_cols, job.args.n_act);
  job.first_chunk = n_chunks_;
  n_chunks_ += (n_rows + job.chunk_rows - 1) / job.chunk_rows;
  n_macs_ += n_rows * job.args.n_cols * job.args.n_act;
  jobs_[n_jobs_++] = job;
}

void CpuDevice::run_jobs() noexcept {
  if (n_macs_ < kMinParallelMacs) {
    for (size_t chunk = 0; chunk < n_chunks_; ++chunk) run_chunk(chunk, 0);
  } else {
    context_.pool.parallel_for(n_chunks_,
                               [this](size_t chunk, size_t thread) { run_chunk(chunk, thread); });
  }
  n_jobs_ = n_chunks_ = n_macs_ = 0;
}

void CpuDevice::run_chunk(size_t chunk, size_t thread) noexcept {
  const Job* const first = jobs_.data();
  const Job& job = *std::prev(std::upper_bound(
      first, first + n_jobs_, chunk, [](size_t c, const Job& j) { return c < j.first_chunk; }));
  const size_t begin = (chunk - job.first_chunk) * job.chunk_rows;
  const RowRange rows{begin, std::min(job.n_rows, begin + job.chunk_rows)};
  const MatmulFn kernel =
      job.args.n_act < job.kernel->matmul_from ? job.kernel->matvec : job.kernel->matmul;
  MatmulArgs args = job.args;
  args.scratch = scratch_.data() + thread * scratch_bytes_;
  if (job.planes == 1) {
    kernel(args, rows);
  } else {
    run_two_planes(job, kernel, args, rows, thread);
  }
  if (job.scale == 1.0f) return;
  for (size_t a = 0; a < job.args.n_act / job.planes; ++a) {
    float* y = job.args.y[a] + rows.begin;
    context_.kernels.scale(y, job.scale, y, rows.size());
  }
}

// The products of the high planes go to their place, those of the low ones are added from a buffer.
void CpuDevice::run_two_planes(const Job& job, MatmulFn kernel, MatmulArgs args, RowRange rows,
                               size_t thread) noexcept {
  float* const low = low_.data() + thread * low_floats_;
  float** const ys = plane_ys_.data() + thread * plane_ys_size_;
  const size_t n = job.args.n_act / 2;
  WATTLE_ASSERT(n * rows.size() <= low_floats_ && 2 * n <= plane_ys_size_);
  for (size_t a = 0; a < n; ++a) {
    ys[2 * a] = job.args.y[a] + rows.begin;
    ys[2 * a + 1] = low + a * rows.size();
  }
  args.w += rows.begin * args.w_row_bytes;
  args.y = ys;
  kernel(args, {0, rows.size()});
  for (size_t a = 0; a < n; ++a) {
    context_.kernels.add(ys[2 * a], ys[2 * a + 1], ys[2 * a], rows.size());
  }
}

}  // namespace wattle
