// SPDX-License-Identifier: Apache-2.0
// What the blocks of a core do once they are started.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/rknpu/simulator/convolution_task.h"
#include "backend/rknpu/simulator/device_memory.h"
#include "backend/rknpu/simulator/group_products.h"

namespace wattle::rknpu {

// One core's convolutions, one after the other. Not synchronised.
class ConvolutionBlocks {
 public:
  explicit ConvolutionBlocks(const GroupProducts& products = group_products())
      : products_(products) {}

  // Computes and writes C. Returns what went wrong: empty, or what was read or written where there
  // is nothing. What the task says is done even where it is not what somebody wanted: wrong strides
  // read wrong cells.
  //   i4: sums saturate at 16 bits, once at the end; i8 to f32: the sum is rounded
  //   f16: sums in f32, in the order of group_products.h
  // Reuse without the same operand in the same banks before computes with other values: zeros here,
  // on boards whatever is left.
  std::string run(const ConvolutionTask& task, const DeviceMemory& memory);

  // Forgets what the buffer of the core holds.
  void reset() noexcept { before_.reset(); }

 private:
  std::string convolve(const ConvolutionTask& task, const DeviceMemory& memory);
  std::string read_features(const ConvolutionTask& task, const DeviceMemory& memory);
  // nullptr: zeros.
  std::string read_weights(const ConvolutionTask& task, const DeviceMemory& memory,
                           const std::byte*& weights);
  void multiply_group(const ConvolutionTask& task, const std::byte* weights, size_t n_kernels);
  std::string write_group(const ConvolutionTask& task, uint32_t first, uint32_t n_kernels,
                          MemoryCursor& memory) const;

  const GroupProducts& products_;
  std::optional<ConvolutionTask> before_;  // whose operands the buffer holds
  // Rows of features and sums of one group of kernels, as group_products.h wants them.
  std::vector<int16_t> int_rows_;
  std::vector<int32_t> int_sums_;
  std::vector<float> float_rows_;
  std::vector<float> float_sums_;
};

}  // namespace wattle::rknpu
