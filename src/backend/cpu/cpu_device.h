// SPDX-License-Identifier: Apache-2.0
// The processor as a Device: weights are read where they lie in the mapped file, rows of the
// outputs are shared between the threads of the engine's pool.
#pragma once

#include <vector>

#include "backend/device.h"
#include "base/aligned_buffer.h"
#include "kernels/engine_context.h"

namespace wattle {

// Borrows the context, which must outlive it. One call is two phases: the input rows are quantised
// once in the form the kernels want, then all products of the call are cut into chunks of output
// rows that the threads take as they can. Where the cuts lie depends on the shapes alone, and a
// row's value not even on them, so the thread count never changes a bit.
class CpuDevice final : public Device {
 public:
  explicit CpuDevice(EngineContext& context) : context_(context) {}

  std::string_view name() const noexcept override { return "cpu"; }
  std::unique_ptr<Linear> prepare(const TensorView& w, size_t max_rows, float scale) override;
  std::unique_ptr<ExpertBank> prepare_experts(const TensorView& w, size_t max_rows,
                                              size_t max_slots) override;
  void linear(MatView<const float> x, std::span<const LinearCall> calls) noexcept override;
  void experts(MatView<const float> x, const ExpertSlots& slots,
               std::span<const ExpertCall> calls) noexcept override;

 private:
  // One matrix against the activation rows it is to be multiplied with.
  struct Job {
    const kernels::MatmulKernel* kernel = nullptr;
    kernels::MatmulArgs args;
    float scale = 1.0f;
    size_t n_rows = 0;  // of the matrix
    size_t chunk_rows = 0;
    size_t first_chunk = 0;
  };

  void reserve(const kernels::MatmulKernel& kernel, size_t n_in, size_t max_rows, size_t max_slots,
               size_t max_jobs);
  // Makes acts_f32_ and acts_q8_ point at the rows of x; the latter only if a kernel wants them.
  void prepare_rows(MatView<const float> x, bool want_q8) noexcept;
  void add_job(const kernels::MatmulKernel& kernel, const kernels::MatmulArgs& args, size_t n_rows,
               float scale) noexcept;
  void run_jobs() noexcept;
  void run_chunk(size_t chunk, size_t thread) noexcept;

  EngineContext& context_;

  // Sized by prepare for the largest call to come.
  AlignedBuffer<std::byte> q8_;  // [max_rows][act_row_bytes(q8, n_in)]
  AlignedBuffer<std::byte> scratch_;
  size_t scratch_stride_ = 0;  // bytes per thread
  std::vector<const std::byte*> acts_f32_;
  std::vector<const std::byte*> acts_q8_;
  std::vector<const std::byte*> slot_acts_f32_;  // the same, gathered for the slots of experts()
  std::vector<const std::byte*> slot_acts_q8_;
  std::vector<float*> ys_;  // [calls][rows or slots]

  // The call that is running.
  std::vector<Job> jobs_;
  size_t n_jobs_ = 0;
  size_t n_chunks_ = 0;
  size_t n_macs_ = 0;
};

}  // namespace wattle
