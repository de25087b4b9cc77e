// SPDX-License-Identifier: Apache-2.0
// The processor as a Device: weights are read where they lie in the mapped file, rows of the
// outputs are shared between the threads of the engine's pool.
#pragma once

#include <vector>

#include "backend/cpu/act_rows.h"
#include "backend/device.h"
#include "base/aligned_buffer.h"
#include "kernels/engine_context.h"

namespace wattle {

// Borrows the context, which must outlive it. One call is two phases: the input rows are quantised
// once in the forms the kernels want, then all products of the call are cut into chunks of output
// rows that the threads take as they can. Where the cuts lie depends on the shapes alone, and a
// row's value not even on them, so the thread count never changes a bit.
class CpuDevice final : public Device {
 public:
  explicit CpuDevice(EngineContext& context) : context_(context), rows_(context) {}

  std::string_view name() const noexcept override { return "cpu"; }
  std::unique_ptr<Linear> prepare(const TensorView& w, const PrepareOptions& options) override;
  std::unique_ptr<ExpertBank> prepare_experts(const TensorView& w,
                                              const PrepareOptions& options) override;
  void linear(MatView<const float> x, std::span<const LinearCall> calls) noexcept override;
  void experts(MatView<const float> x, const ExpertSlots& slots,
               std::span<const ExpertCall> calls) noexcept override;

 private:
  // One matrix against the activation rows it is to be multiplied with. args.act holds the planes
  // of each row one after the other, args.y one place per row; args.n_act counts planes.
  struct Job {
    const kernels::MatmulKernel* kernel = nullptr;
    kernels::MatmulArgs args;
    size_t planes = 1;
    float scale = 1.0f;
    size_t n_rows = 0;  // of the matrix
    size_t chunk_rows = 0;
    size_t first_chunk = 0;
  };

  void reserve(const kernels::MatmulKernel& kernel, size_t n_in, const PrepareOptions& options,
               size_t max_jobs);
  void add_job(Job job, size_t n_rows) noexcept;
  void run_jobs() noexcept;
  void run_chunk(size_t chunk, size_t thread) noexcept;
  void run_two_planes(const Job& job, kernels::MatmulFn kernel, kernels::MatmulArgs args,
                      RowRange rows, size_t thread) noexcept;

  EngineContext& context_;
  ActRows rows_;

  // Sized by prepare for the largest call to come.
  std::vector<const std::byte*> acts_;  // [calls][rows or slots][planes]
  std::vector<float*> ys_;              // [calls][rows or slots]
  std::vector<Job> jobs_;
  size_t scratch_bytes_ = 0;  // per thread, of the kernels
  AlignedBuffer<std::byte> scratch_;
  size_t low_floats_ = 0;  // per thread: products of the low planes of a chunk
  AlignedBuffer<float> low_;
  size_t plane_ys_size_ = 0;  // per thread: places of the products of all planes
  std::vector<float*> plane_ys_;

  // The call that is running.
  size_t n_jobs_ = 0;
  size_t n_chunks_ = 0;
  size_t n_macs_ = 0;
};

}  // namespace wattle
