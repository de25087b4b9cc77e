// SPDX-License-Identifier: Apache-2.0
// What the registers of a core ask of it: a convolution with kernels of one element. Says what is
// read and written where, and refuses what a core's buffer cannot hold.
//
// A cell is 16 bytes. Addresses are those of the NPU; those beyond 32 bits are nowhere mapped.
#pragma once

#include <cstdint>
#include <string>

#include "backend/rknpu/cost/submit_cost.h"
#include "backend/rknpu/simulator/register_file.h"

namespace wattle::rknpu {

enum class Operand : uint8_t { i4, i8, f16 };
enum class Result : uint8_t { i16, i32, f32, f16 };

constexpr uint32_t bits_of(Operand operand) noexcept {
  return operand == Operand::i4 ? 4 : operand == Operand::i8 ? 8 : 16;
}
constexpr uint32_t bytes_of(Result result) noexcept {
  return result == Result::i16 || result == Result::f16 ? 2 : 4;
}

// A plane of cells, for each cell of channels another one.
struct Plane {
  uint64_t base = 0;
  int64_t row_cells = 0;      // from a line to the next
  int64_t surface_bytes = 0;  // from a plane to the next
  uint32_t width = 0;
  uint32_t height = 0;

  uint64_t cell(uint32_t h, uint32_t w, uint32_t c) const noexcept {
    return base + static_cast<uint64_t>(c * surface_bytes + (h * row_cells + w) * 16);
  }
  uint32_t n_pixels() const noexcept { return width * height; }
};

struct ConvolutionTask {
  Operand operand = Operand::i8;
  Result result = Result::i32;
  Plane features;
  Plane results;
  uint32_t n_k = 0;        // channels of features and kernels, a multiple of 32
  uint32_t n_n = 0;        // kernels
  uint32_t n_written = 0;  // of their results: DPU counts with fewer bits
  uint32_t weights = 0;    // kernels, (n / group, k / 32, group, 32)
  uint32_t data_banks = 0;
  uint32_t weight_banks = 0;
  bool weight_reuse = false;
  bool data_reuse = false;

  uint32_t row_bytes() const noexcept { return n_k * bits_of(operand) / 8; }
  uint64_t weight_bytes() const noexcept { return uint64_t{n_n} * row_bytes(); }
  // Kernels that lie together and are computed together.
  uint32_t kernel_group() const noexcept { return 256 / bits_of(operand); }
};

// Returns what is wrong: empty, or why the core would not finish or its results would be nobody's
// product. Wrong addresses and strides are none of that: they read and write wrong cells.
std::string decode(const RegisterFile& registers, ConvolutionTask& task);

TaskWork work_of(const ConvolutionTask& task);

}  // namespace wattle::rknpu
