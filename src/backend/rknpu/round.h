// SPDX-License-Identifier: Apache-2.0
// What one submit computes: a list of tasks for each core, and where their results will lie. Two
// rounds take turns, so that one is made or read while the other runs.
#pragma once

#include <cstdint>
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

struct NpuInput {
  InputRows rows;
  std::vector<std::unique_ptr<NpuBuffer>> buffers;  // the same in each domain of the set
};

// Columns of a matrix that one list computes, from `done` on.
struct RoundWork {
  const PackedMatrix* w = nullptr;
  RowsView<float> y;
  size_t first_row = 0;  // of y: row 0 of the input
  size_t y_column = 0;   // of y: column 0 of w
  const NpuInput* input = nullptr;
  size_t group = 0;  // of its rows
  MatrixPart part;
  size_t done = 0;
};

class Round {
 public:
  // In one set of domains. Throws as NpuDevice::allocate does.
  Round(NpuDevice& device, uint32_t set);

  // Rows of which the columns of a kernel group are sure to fit.
  static size_t rows_at_once(Arithmetic arithmetic, const KTiles& tiles, Form form) noexcept;

  // Takes from the front of work[i] what fits into list i and writes its commands; some fits. What
  // the work names stays as it is until the results are read. Throws Error{unsupported} where one
  // group of kernels takes more tasks than a list has room for, and std::bad_alloc.
  void make(std::span<std::vector<RoundWork>> work);
  std::span<const NpuList> lists() const noexcept { return lists_; }
  // After the submit. Throws NpuFault where results were not written and the driver does not tell.
  void read(ThreadPool& pool);

 private:
  struct Core {
    uint32_t domain_in_set = 0;
    std::unique_ptr<NpuBuffer> output;
    std::unique_ptr<NpuBuffer> commands;
    std::vector<NpuTask> tasks;
    std::vector<size_t> last_cells;  // of each task, where the driver tells no faults
    struct Block {
      OutputBlock output;
      const InputRows* rows;
    };
    std::vector<Block> blocks;
    size_t output_bytes = 0;
  };

  void make_list(Core& core, std::vector<RoundWork>& work);
  void write_commands(Core& core, std::span<const MatmulTask> tasks);
  void plan(const Core& core, const RoundWork& work, size_t n,
            std::vector<MatmulTask>& tasks) const;
  static void mark(const Core& core);  // as not written
  void expect_written(const Core& core) const;

  NpuDevice& device_;
  std::vector<Core> cores_;
  std::vector<NpuList> lists_;
};

}  // namespace wattle::rknpu
