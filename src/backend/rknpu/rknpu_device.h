// SPDX-License-Identifier: Apache-2.0
// The NPU as a Device, beside the processor: each matrix may be placed on the NPU, and each product
// with it runs there or on the processor.
// Which matrix is packed in which arithmetic, and which products with it go there, is said to it
// (placement/plan.h); the processor reads the weights where the file is mapped.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "backend/device.h"
#include "backend/rknpu/npu_device.h"
#include "backend/rknpu/numerics/arithmetic.h"
#include "backend/rknpu/placement/matrix_place.h"
#include "backend/rknpu/product_runner.h"
#include "backend/rknpu/submit_thread.h"
#include "backend/rknpu/weight_memory.h"
#include "kernels/engine_context.h"

namespace wattle::rknpu {

struct RknpuOptions {
  // Of a matrix, or of all matrices of a bank; nothing: the processor computes all products.
  std::function<std::optional<MatrixPlace>(const TensorView& w)> place{};
  // After each matrix: bytes of weights that were packed since the last call. Returning false ends
  // preparing with Error{cancelled}.
  std::function<bool(uint64_t n_bytes)> on_packed{};
};

struct RknpuStatus {
  uint32_t n_matrices = 0;  // that were prepared; a bank of experts counts as one
  uint32_t n_on_npu = 0;
  uint32_t n_streamed = 0;  // of them
  uint32_t n_missed = 0;    // that the probe sent back
  uint64_t n_bytes = 0;     // of packed weights that stay on the NPU
  uint64_t n_faults = 0;
  bool in_use = true;  // false: left alone after faults
};

// Borrows context, processor and NPU, which must outlive it.
//
// Each matrix that is placed is probed at once: a row of pseudo-random numbers goes through it, and
// what does not come out as on the processor is told and stays there. A fault of the NPU does not
// end a call: the processor computes all of it anew, the NPU is reset, and is left alone for good
// where that fails or the next submit faults again. All of it is told to the log.
//
// Unlike other devices it allocates while a call runs, for command lists; where there is no memory
// for them, the processor computes the call.
class RknpuDevice final : public Device {
 public:
  RknpuDevice(EngineContext& context, Device& cpu, NpuDevice& npu, RknpuOptions options);
  ~RknpuDevice() override;

  std::string_view name() const noexcept override { return "rknpu"; }
  std::unique_ptr<Linear> prepare(const TensorView& w, const PrepareOptions& options) override;
  std::unique_ptr<ExpertBank> prepare_experts(const TensorView& w,
                                              const PrepareOptions& options) override;
  void linear(MatView<const float> x, std::span<const LinearCall> calls) noexcept override;
  void experts(MatView<const float> x, const ExpertSlots& slots,
               std::span<const ExpertCall> calls) noexcept override;

  const RknpuStatus& status() const noexcept { return status_; }

 private:
  class Matrix;
  class Bank;
  class LinearsOnCpu;
  class ExpertsOnCpu;
  // Where a matrix or the matrices of a bank lie; none: on the processor.
  struct Place {
    std::vector<PackedMatrix> resident;  // or
    std::vector<StreamedMatrix> streamed;
    RowRange rows;  // of the products that go there
    uint32_t set = 0;

    NpuMatrix matrix(size_t i) const noexcept {
      if (streamed.empty()) return &resident[i];
      return &streamed[i];
    }
    bool takes(size_t n_rows) const noexcept { return n_rows >= rows.begin && n_rows < rows.end; }
  };
  // What one submit can use: a domain, or some.
  struct DomainSet {
    DomainSet(NpuDevice& npu, SubmitThread& submits, EngineContext& context, uint32_t number)
        : weights(npu, number), runner(npu, submits, context, number) {}
    WeightMemory weights;
    ProductRunner runner;
  };

  enum class Placed { here, no_room, refused };

  Place place(const TensorView& w, const PrepareOptions& options);
  Placed place_in(Place& place, const TensorView& w, const PrepareOptions& options,
                  const MatrixPlace& wanted, std::span<const size_t> sizes);
  // Of w, in each domain of a set.
  std::vector<size_t> bytes_needed(const TensorView& w, Arithmetic arithmetic) const;
  bool pack_and_probe(Place& place, const TensorView& w, const PrepareOptions& options,
                      Arithmetic arithmetic, std::vector<WeightPlace> memory);
  bool stream_and_probe(Place& place, const TensorView& w, const PrepareOptions& options,
                        Arithmetic arithmetic);
  bool passes(const NpuMatrix& on_npu, uint32_t set, const TensorView& w,
              const PrepareOptions& options);
  void report_packed(const TensorView& w);

  struct Product {
    const Place* place;
    size_t matrix;
    RowsView<float> y;
    size_t group;
  };
  bool run_on_npu(MatView<const float> x, std::span<const uint32_t> x_row,
                  std::span<const RowRange> groups, std::span<const Product> products,
                  OtherWork& other) noexcept;
  static bool all_take(std::span<const ExpertCall> calls, size_t n_rows) noexcept;
  bool run_experts_on_npu(MatView<const float> x, const ExpertSlots& slots,
                          std::span<const ExpertCall> calls, OtherWork& other) noexcept;
  void tell_no_memory() noexcept;
  void on_fault(const NpuFault& fault) noexcept;
  void leave_alone(std::string_view why) noexcept;

  EngineContext& context_;
  Device& cpu_;
  NpuDevice& npu_;
  RknpuOptions options_;
  SubmitThread submits_;
  std::vector<std::unique_ptr<DomainSet>> sets_;
  RknpuStatus status_;
  std::optional<uint64_t> n_done_at_fault_;  // submits, when the last one faulted
};

}  // namespace wattle::rknpu
