// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/simulator/convolution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "backend/rknpu/matmul_task.h"
#include "base/half.h"

namespace wattle::rknpu {
namespace {

constexpr size_t kCell = 16;

// The channels of a cell, as group_products.h wants them.
void unpack_cell(Operand operand, const std::byte* cell, int16_t* out) {
  if (operand == Operand::i4) return unpack_i4(cell, out);
  for (size_t i = 0; i < kCell; ++i) out[i] = std::to_integer<int8_t>(cell[i]);
}

void unpack_cell(const std::byte* cell, float* out) {
  uint16_t halves[kCell / 2];
  std::memcpy(halves, cell, kCell);
  for (size_t i = 0; i < kCell / 2; ++i) out[i] = f16_to_f32(halves[i]);
}

template <class Value, class Sum, class Convert>
void convert(const Sum* sums, size_t n, std::byte* out, const Convert& as) {
  for (size_t i = 0; i < n; ++i) {
    const Value value = as(sums[i]);
    std::memcpy(out + i * sizeof value, &value, sizeof value);
  }
}

void write_cell(Result result, const int32_t* sums, size_t n, std::byte* out) {
  using Limits = std::numeric_limits<int16_t>;
  if (result == Result::i32) {
    std::memcpy(out, sums, n * sizeof *sums);
  } else if (result == Result::f32) {
    convert<float>(sums, n, out, [](int32_t sum) { return static_cast<float>(sum); });
  } else {
    convert<int16_t>(sums, n, out, [](int32_t sum) {
      return static_cast<int16_t>(std::clamp<int32_t>(sum, Limits::min(), Limits::max()));
    });
  }
}

void write_cell(Result result, const float* sums, size_t n, std::byte* out) {
  if (result == Result::f32) {
    std::memcpy(out, sums, n * sizeof *sums);
  } else {
    convert<uint16_t>(sums, n, out, f32_to_f16);
  }
}

bool same_banks(const ConvolutionTask& a, const ConvolutionTask& b) {
  return a.operand == b.operand && a.n_k == b.n_k && a.data_banks == b.data_banks &&
         a.weight_banks == b.weight_banks;
}

}  // namespace

std::string ConvolutionBlocks::read_features(const ConvolutionTask& task,
                                             const DeviceMemory& memory) {
  const uint32_t per_cell = kCell * 8 / bits_of(task.operand);
  const uint32_t n_cells = task.n_k / per_cell;
  const size_t size = size_t{task.features.n_pixels()} * task.n_k;
  if (task.data_reuse) {
    // The rows are still here, where the task before had as many of the same kind.
    const bool kept = before_ && same_banks(task, *before_) &&
                      task.features.n_pixels() == before_->features.n_pixels();
    if (!kept) {
      int_rows_.assign(size, 0);
      float_rows_.assign(size, 0);
    }
    return {};
  }
  const bool is_float = task.operand == Operand::f16;
  if (is_float) {
    float_rows_.resize(size);
  } else {
    int_rows_.resize(size);
  }
  MemoryCursor cursor(memory);
  size_t at = 0;
  for (uint32_t h = 0; h < task.features.height; ++h) {
    for (uint32_t w = 0; w < task.features.width; ++w) {
      for (uint32_t c = 0; c < n_cells; ++c, at += per_cell) {
        const uint64_t address = task.features.cell(h, w, c);
        const std::byte* cell = cursor.find(address, kCell);
        if (cell == nullptr) return fmt::format("features are read at {:#x}", address);
        if (is_float) {
          unpack_cell(cell, &float_rows_[at]);
        } else {
          unpack_cell(task.operand, cell, &int_rows_[at]);
        }
      }
    }
  }
  return {};
}

std::string ConvolutionBlocks::read_weights(const ConvolutionTask& task, const DeviceMemory& memory,
                                            const std::byte*& weights) {
  uint64_t address = task.weights;
  if (task.weight_reuse) {
    const bool kept = before_ && same_banks(task, *before_) && task.n_n == before_->n_n &&
                      task.weight_bytes() <= uint64_t{task.weight_banks} * kBankBytes;
    if (!kept) return {};
    address = before_->weights;
  }
  weights = memory.find(address, task.weight_bytes());
  return weights != nullptr ? std::string() : fmt::format("weights are read at {:#x}", address);
}

void ConvolutionBlocks::multiply_group(const ConvolutionTask& task, const std::byte* weights,
                                       size_t n_kernels) {
  const size_t n_rows = task.features.n_pixels();
  const size_t n_sums = n_rows * n_kernels;
  if (task.operand == Operand::f16) {
    float_sums_.resize(std::max(float_sums_.size(), n_sums));
    if (weights == nullptr) {
      std::fill_n(float_sums_.begin(), n_sums, 0.0F);
    } else {
      products_.f16(float_rows_.data(), n_rows, task.n_k, weights, n_kernels, float_sums_.data());
    }
    return;
  }
  int_sums_.resize(std::max(int_sums_.size(), n_sums));
  if (weights == nullptr) {
    std::fill_n(int_sums_.begin(), n_sums, 0);
  } else {
    const auto multiply = task.operand == Operand::i8 ? products_.i8 : products_.i4;
    multiply(int_rows_.data(), n_rows, task.n_k, weights, n_kernels, int_sums_.data());
  }
}

std::string ConvolutionBlocks::write_group(const ConvolutionTask& task, uint32_t first,
                                           uint32_t n_kernels, MemoryCursor& memory) const {
  const uint32_t result_bytes = bytes_of(task.result);
  const uint32_t per_cell = kCell / result_bytes;
  const uint32_t end = std::min(first + n_kernels, task.n_written);
  for (uint32_t n = first; n < end; n += per_cell) {
    const uint32_t n_here = std::min(per_cell, end - n);
    size_t sum = n - first;
    for (uint32_t h = 0; h < task.results.height; ++h) {
      for (uint32_t w = 0; w < task.results.width; ++w, sum += n_kernels) {
        const uint64_t address = task.results.cell(h, w, n / per_cell);
        std::byte* cell = memory.find(address, size_t{n_here} * result_bytes);
        if (cell == nullptr) return fmt::format("results are written at {:#x}", address);
        if (task.operand == Operand::f16) {
          write_cell(task.result, &float_sums_[sum], n_here, cell);
        } else {
          write_cell(task.result, &int_sums_[sum], n_here, cell);
        }
      }
    }
  }
  return {};
}

std::string ConvolutionBlocks::run(const ConvolutionTask& task, const DeviceMemory& memory) {
  std::string why = convolve(task, memory);
  if (!why.empty()) before_.reset();  // half of this task's operands, half of the one before
  return why;
}

std::string ConvolutionBlocks::convolve(const ConvolutionTask& task, const DeviceMemory& memory) {
  const std::byte* weights = nullptr;
  if (std::string why = read_features(task, memory); !why.empty()) return why;
  if (std::string why = read_weights(task, memory, weights); !why.empty()) return why;
  const uint32_t weights_at = task.weight_reuse && before_ ? before_->weights : task.weights;
  MemoryCursor cursor(memory);
  for (uint32_t n = 0; n < task.n_n; n += task.kernel_group()) {
    const uint32_t n_kernels = std::min(task.kernel_group(), task.n_n - n);
    const std::byte* group = weights == nullptr ? nullptr : weights + size_t{n} * task.row_bytes();
    multiply_group(task, group, n_kernels);
    if (std::string why = write_group(task, n, n_kernels, cursor); !why.empty()) return why;
  }
  if (weights == nullptr) {
    before_.reset();
  } else {
    before_ = task;
    before_->weights = weights_at;
  }
  return {};
}

}  // namespace wattle::rknpu
