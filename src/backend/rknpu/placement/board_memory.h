// SPDX-License-Identifier: Apache-2.0
// The account of what takes memory of a board while a model runs with its NPU.
#pragma once

#include <cstdint>
#include <span>

#include "backend/rknpu/npu_device.h"
#include "backend/rknpu/placement/matrix_place.h"

namespace wattle::rknpu {

// Of a board of 16 GiB; the system has the rest.
inline constexpr uint64_t kBoardBytes = uint64_t{15} << 30;

// In bytes.
struct BoardMemory {
  // Of the processor.
  uint64_t file = 0;         // mapped, all of it
  uint64_t cache = 0;        // keys and values of a whole context
  uint64_t activations = 0;  // of a step
  // Of the NPU; pinned, but for what the processor keeps of packed weights.
  uint64_t weights = 0;  // packed for good
  uint64_t ring = 0;     // that streamed weights pass through
  uint64_t inputs = 0;   // rows that are multiplied
  uint64_t results = 0;
  uint64_t commands = 0;

  uint64_t total() const noexcept;
};

// A matrix or a bank that is placed.
struct HeldMatrix {
  MatrixPlace place;
  size_t n_in = 0;
  size_t max_rows = 0;  // of a step; of a bank, of all of its experts together
};

// What RknpuDevice allocates beside n_weight_bytes of packed weights.
BoardMemory working_memory(std::span<const HeldMatrix> held, uint64_t n_weight_bytes,
                           const NpuInfo& npu);

}  // namespace wattle::rknpu
