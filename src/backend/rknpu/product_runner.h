// SPDX-License-Identifier: Apache-2.0
// Runs products of rows with packed matrices in one set of domains: packs the rows, writes the
// commands of one list for each core, submits them and reads the results. Results that do not fit
// their buffers at once, or take too long for one list, are computed in rounds, each a submit.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "backend/rknpu/input_rows.h"
#include "backend/rknpu/matmul_task.h"
#include "backend/rknpu/npu_device.h"
#include "backend/rknpu/output_rows.h"
#include "backend/rknpu/packed_matrix.h"
#include "base/thread_pool.h"
#include "tensor/view.h"

namespace wattle::rknpu {

struct NpuProduct {
  const PackedMatrix* w = nullptr;
  RowsView<float> y;  // [rows, w.n_out()]
  size_t group = 0;   // of the rows that are multiplied
};

// Borrows device and pool. One call at a time.
class ProductRunner {
 public:
  // Throws as NpuDevice::allocate does.
  ProductRunner(NpuDevice& device, ThreadPool& pool, uint32_t set);

  // Makes room for products of rows of n_in elements: max_rows of them, in groups of min_group rows
  // at least. Throws as NpuDevice::allocate does.
  void reserve(Arithmetic arithmetic, size_t n_in, size_t max_rows, size_t min_group);

  // Rows and groups: see InputRows::pack. All matrices have x.n_cols columns and lie in this
  // set; sizes are as reserved. Throws NpuFault, also where results were not written and the driver
  // does not tell, and std::bad_alloc where there is no memory for commands: then outputs may hold
  // anything.
  void run(MatView<const float> x, std::span<const uint32_t> x_row,
           std::span<const RowRange> groups, std::span<const NpuProduct> products);

 private:
  struct Input {
    Input(Arithmetic arithmetic, Form form) : rows(arithmetic, form) {}
    InputRows rows;
    std::vector<std::unique_ptr<NpuBuffer>> buffers;  // the same in each domain of the set
  };
  struct Core {
    uint32_t domain_in_set = 0;
    std::unique_ptr<NpuBuffer> output;
    std::unique_ptr<NpuBuffer> commands;
  };
  // Columns of a matrix that one core computes, from `done` on.
  struct Work {
    const NpuProduct* product;
    MatrixPart part;
    size_t done = 0;
  };
  struct List {
    std::vector<NpuTask> tasks;
    std::vector<OutputBlock> blocks;  // where results will lie
    std::vector<size_t> last_cells;   // of each task, where the driver tells no faults
    size_t output_bytes = 0;
    size_t operand_bytes = 0;
  };

  // Rows that fit at once; first_row is what row 0 is in the products' y.
  void run_rows(MatView<const float> x, std::span<const uint32_t> x_row,
                std::span<const RowRange> groups, size_t first_row,
                std::span<const NpuProduct> products);
  // Takes from the front of `work` what fits into a list and the core's output; writes its
  // commands.
  List make_list(const Core& core, size_t first_row, std::vector<Work>& work);
  void plan(const Core& core, const Work& work, size_t n, uint32_t output,
            std::vector<MatmulTask>& tasks);
  static void mark(const Core& core, const List& list);  // as not written
  void expect_written(const Core& core, const List& list) const;
  Input& input(const PackedMatrix& w) noexcept {
    return inputs_[static_cast<size_t>(w.arithmetic())];
  }

  NpuDevice& device_;
  ThreadPool& pool_;
  uint32_t set_;
  std::array<Input, kArithmetics> inputs_;
  std::vector<Core> cores_;
};

}  // namespace wattle::rknpu
