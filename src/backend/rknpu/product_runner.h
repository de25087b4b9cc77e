// SPDX-License-Identifier: Apache-2.0
// Runs products of rows with packed matrices in one set of domains. Rows are packed piece by piece,
// products of a piece are computed in as many rounds as their results need, each a submit. While
// the NPU computes a round, the processor makes the next one, reads the one before, and does what
// else the caller has for it. Weights that the NPU does not hold are packed into a ring meanwhile.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "backend/rknpu/npu_device.h"
#include "backend/rknpu/packed_matrix.h"
#include "backend/rknpu/round.h"
#include "backend/rknpu/round_limits.h"
#include "backend/rknpu/streamed_matrix.h"
#include "backend/rknpu/submit_thread.h"
#include "backend/rknpu/weight_ring.h"
#include "kernels/engine_context.h"
#include "tensor/view.h"

namespace wattle::rknpu {

// In the set of the runner, or streamed through its ring.
using NpuMatrix = std::variant<const PackedMatrix*, const StreamedMatrix*>;

inline Arithmetic arithmetic_of(const NpuMatrix& w) noexcept {
  return std::visit([](const auto* matrix) { return matrix->arithmetic(); }, w);
}

struct NpuProduct {
  NpuMatrix w;
  RowsView<float> y;  // [rows, w.n_out()]
  size_t group = 0;   // of the rows that are multiplied
};

// What the processor may do while it would wait for the NPU.
class OtherWork {
 public:
  virtual ~OtherWork() = default;
  virtual bool do_piece() noexcept = 0;  // false: none is left
};

// Borrows device, thread and context. One call at a time.
class ProductRunner {
 public:
  // Throws as NpuDevice::allocate does.
  ProductRunner(NpuDevice& device, SubmitThread& submits, EngineContext& context, uint32_t set);

  // Of each buffer of rows that reserve() makes: one for each round at once, in each domain.
  static size_t input_bytes(Arithmetic arithmetic, Form form, size_t n_in, size_t max_rows,
                            size_t min_group) noexcept;
  // Makes room for products of rows of n_in elements: max_rows of them, in groups of min_group rows
  // at least. Throws as NpuDevice::allocate does; what was reserved before is there in any case.
  void reserve(Arithmetic arithmetic, size_t n_in, size_t max_rows, size_t min_group);

  // Makes the ring, where there is none yet: for matrices that are streamed. Throws as
  // NpuDevice::allocate does.
  void reserve_ring();

  // Rows and groups: see InputRows::pack; groups are in order. All matrices have x.n_cols columns;
  // sizes are as reserved. How much of `other` is done depends on the time, y does not, nor on
  // whether a matrix is streamed. Throws NpuFault, also where results were not written and the
  // driver does not tell, std::bad_alloc where there is no memory for commands, and what
  // StreamedMatrix::pack throws: then outputs may hold anything, and nothing runs any more.
  void run(MatView<const float> x, std::span<const uint32_t> x_row,
           std::span<const RowRange> groups, std::span<const NpuProduct> products,
           OtherWork* other = nullptr);
  uint64_t n_done() const noexcept { return n_done_; }  // submits whose results were read

 private:
  class Call;
  using Inputs = std::vector<NpuInput>;  // [Arithmetic]

  static Inputs make_inputs(Form form);

  NpuDevice& device_;
  SubmitThread& submits_;
  EngineContext& context_;
  uint32_t set_;
  std::array<Inputs, kRoundsAtOnce> inputs_;  // of the rounds that run, and of those that are made
  std::array<Round, kRoundsAtOnce> rounds_;
  std::optional<WeightRing> ring_;
  uint64_t n_done_ = 0;
};

}  // namespace wattle::rknpu
