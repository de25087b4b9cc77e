// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/cpu_device.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/assert.h"
#include "base/parallel_rows.h"

namespace wattle {
namespace {

using kernels::ActFormat;
using kernels::MatmulArgs;
using kernels::MatmulKernel;

// Up to this many activation rows a weight row is decoded again for each of them; from there on
// decoding a tile once into the packed form pays for itself.
constexpr size_t kMaxMatvecRows = 4;

// A chunk is worth some microseconds, so that handing it out costs little and the last one to
// finish does not keep the others waiting for long.
constexpr size_t kChunkMacs = 64 * 1024;

// Below this the calling thread is done before another one would have noticed the job.
constexpr size_t kMinParallelMacs = 32 * 1024;

// Outputs of different chunks lie on different cache lines.
constexpr size_t kRowsPerCacheLine = kCacheLine / sizeof(float);

class CpuLinear final : public Linear {
 public:
  CpuLinear(const Device& device, const TensorView& w, const MatmulKernel& kernel_in,
            float scale_in)
      : Linear(device, w.shape[0], w.shape[1]),
        kernel(kernel_in),
        data(w.data),
        row_size(row_bytes(w.dtype, w.shape[1])),
        scale(scale_in) {}

  const MatmulKernel& kernel;
  const std::byte* data;
  size_t row_size;
  float scale;
};

class CpuExpertBank final : public ExpertBank {
 public:
  CpuExpertBank(const Device& device, const TensorView& w, const MatmulKernel& kernel_in)
      : ExpertBank(device, w.shape[0], w.shape[1], w.shape[2]),
        kernel(kernel_in),
        data(w.data),
        row_size(row_bytes(w.dtype, w.shape[2])) {}

  const std::byte* expert(size_t e) const noexcept { return data + e * n_out() * row_size; }

  const MatmulKernel& kernel;
  const std::byte* data;
  size_t row_size;
};

const CpuLinear& own(const Linear& w) noexcept { return static_cast<const CpuLinear&>(w); }
const CpuExpertBank& own(const ExpertBank& w) noexcept {
  return static_cast<const CpuExpertBank&>(w);
}

template <class T>
void grow(std::vector<T>& v, size_t n) {
  if (v.size() < n) v.resize(n);
}

void grow(AlignedBuffer<std::byte>& buffer, size_t n) {
  if (buffer.size() < n) buffer = AlignedBuffer<std::byte>(n);
}

}  // namespace

std::unique_ptr<Linear> CpuDevice::prepare(const TensorView& w, size_t max_rows, float scale) {
  WATTLE_ASSERT(w.n_dims == 2);
  const MatmulKernel& kernel = *context_.kernels.matmul_for(w.dtype);
  reserve(kernel, w.shape[1], max_rows, max_rows, kMaxLinearCalls);
  return std::make_unique<CpuLinear>(*this, w, kernel, scale);
}

std::unique_ptr<ExpertBank> CpuDevice::prepare_experts(const TensorView& w, size_t max_rows,
                                                       size_t max_slots) {
  WATTLE_ASSERT(w.n_dims == 3);
  const MatmulKernel& kernel = *context_.kernels.matmul_for(w.dtype);
  reserve(kernel, w.shape[2], max_rows, max_slots,
          kMaxLinearCalls * std::min<size_t>(w.shape[0], max_slots));
  return std::make_unique<CpuExpertBank>(*this, w, kernel);
}

void CpuDevice::reserve(const MatmulKernel& kernel, size_t n_in, size_t max_rows, size_t max_slots,
                        size_t max_jobs) {
  if (kernel.act == ActFormat::q8) {
    grow(q8_, max_rows * kernels::act_row_bytes(ActFormat::q8, n_in));
  }
  if (kernel.scratch_bytes != nullptr) {
    const size_t stride = (kernel.scratch_bytes(n_in) + kCacheLine - 1) / kCacheLine * kCacheLine;
    scratch_stride_ = std::max(scratch_stride_, stride);
    grow(scratch_, scratch_stride_ * context_.pool.size());
  }
  grow(acts_f32_, max_rows);
  grow(acts_q8_, max_rows);
  grow(slot_acts_f32_, max_slots);
  grow(slot_acts_q8_, max_slots);
  grow(ys_, kMaxLinearCalls * std::max(max_rows, max_slots));
  grow(jobs_, max_jobs);
}

void CpuDevice::prepare_rows(MatView<const float> x, bool want_q8) noexcept {
  WATTLE_ASSERT(x.n_rows <= acts_f32_.size());
  for (size_t r = 0; r < x.n_rows; ++r) {
    acts_f32_[r] = reinterpret_cast<const std::byte*>(x.row(r));
    WATTLE_ASSERT(reinterpret_cast<uintptr_t>(acts_f32_[r]) % kCacheLine == 0);
  }
  if (!want_q8) return;
  const size_t act_bytes = kernels::act_row_bytes(ActFormat::q8, x.n_cols);
  WATTLE_ASSERT(x.n_rows * act_bytes <= q8_.size());
  for (size_t r = 0; r < x.n_rows; ++r) acts_q8_[r] = q8_.data() + r * act_bytes;
  parallel_rows(context_.pool, x.n_rows, x.n_cols, [&](size_t begin, size_t end, size_t) {
    for (size_t r = begin; r < end; ++r) {
      context_.kernels.quantize_act(x.row(r), x.n_cols, q8_.data() + r * act_bytes);
    }
  });
}

void CpuDevice::linear(MatView<const float> x, std::span<const LinearCall> calls) noexcept {
  WATTLE_ASSERT(calls.size() <= kMaxLinearCalls);
  if (x.n_rows == 0) return;
  prepare_rows(x, std::any_of(calls.begin(), calls.end(), [](const LinearCall& call) {
                 return own(*call.w).kernel.act == ActFormat::q8;
               }));
  float** ys = ys_.data();
  for (const LinearCall& call : calls) {
    const CpuLinear& w = own(*call.w);
    WATTLE_ASSERT(w.n_in() == x.n_cols && w.n_out() == call.y.n_cols && call.y.n_rows == x.n_rows);
    for (size_t r = 0; r < x.n_rows; ++r) ys[r] = call.y.row(r);
    add_job(w.kernel,
            {.w = w.data,
             .w_row_bytes = w.row_size,
             .n_cols = x.n_cols,
             .act = w.kernel.act == ActFormat::q8 ? acts_q8_.data() : acts_f32_.data(),
             .y = ys,
             .n_act = x.n_rows},
            w.n_out(), w.scale);
    ys += x.n_rows;
  }
  run_jobs();
}

void CpuDevice::experts(MatView<const float> x, const ExpertSlots& slots,
                        std::span<const ExpertCall> calls) noexcept {
  const size_t n_slots = slots.expert.size();
  WATTLE_ASSERT(calls.size() <= kMaxLinearCalls && slots.x_row.size() == n_slots);
  WATTLE_ASSERT(n_slots <= slot_acts_f32_.size());
  if (n_slots == 0) return;
  const bool want_q8 = std::any_of(calls.begin(), calls.end(), [](const ExpertCall& call) {
    return own(*call.bank).kernel.act == ActFormat::q8;
  });
  prepare_rows(x, want_q8);
  for (size_t s = 0; s < n_slots; ++s) {
    slot_acts_f32_[s] = acts_f32_[slots.x_row[s]];
    slot_acts_q8_[s] = acts_q8_[slots.x_row[s]];
  }
  for (size_t c = 0; c < calls.size(); ++c) {
    for (size_t s = 0; s < n_slots; ++s) ys_[c * n_slots + s] = calls[c].y.row(s);
  }
  for (size_t begin = 0, end = 0; begin < n_slots; begin = end) {
    const uint32_t expert = slots.expert[begin];
    while (end < n_slots && slots.expert[end] == expert) ++end;
    for (size_t c = 0; c < calls.size(); ++c) {
      const CpuExpertBank& bank = own(*calls[c].bank);
      WATTLE_ASSERT(expert < bank.n_expert() && bank.n_in() == x.n_cols);
      const bool q8 = bank.kernel.act == ActFormat::q8;
      add_job(bank.kernel,
              {.w = bank.expert(expert),
               .w_row_bytes = bank.row_size,
               .n_cols = x.n_cols,
               .act = (q8 ? slot_acts_q8_ : slot_acts_f32_).data() + begin,
               .y = ys_.data() + c * n_slots + begin,
               .n_act = end - begin},
              bank.n_out(), 1.0f);
    }
  }
  run_jobs();
}

void CpuDevice::add_job(const MatmulKernel& kernel, const MatmulArgs& args, size_t n_rows,
                        float scale) noexcept {
  WATTLE_ASSERT(n_jobs_ < jobs_.size());
  const size_t unit = std::lcm(kernel.tile_rows, kRowsPerCacheLine);
  const size_t wanted = kChunkMacs / std::max<size_t>(1, args.n_cols * args.n_act);
  const size_t chunk_rows = (std::max<size_t>(1, wanted) + unit - 1) / unit * unit;
  jobs_[n_jobs_++] = {.kernel = &kernel,
                      .args = args,
                      .scale = scale,
                      .n_rows = n_rows,
                      .chunk_rows = chunk_rows,
                      .first_chunk = n_chunks_};
  n_chunks_ += (n_rows + chunk_rows - 1) / chunk_rows;
  n_macs_ += n_rows * args.n_cols * args.n_act;
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
  MatmulArgs args = job.args;
  args.scratch = scratch_.data() + thread * scratch_stride_;
  (args.n_act <= kMaxMatvecRows ? job.kernel->matvec : job.kernel->matmul)(args, rows);
  if (job.scale == 1.0f) return;
  for (size_t a = 0; a < args.n_act; ++a) {
    float* y = args.y[a] + rows.begin;
    context_.kernels.scale(y, job.scale, y, rows.size());
  }
}

}  // namespace wattle
