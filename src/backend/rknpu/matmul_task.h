// SPDX-License-Identifier: Apache-2.0
// One task of the NPU: C = A B as a convolution with kernels of one element. Rows of A are the
// pixels of a plane of width x height, its columns are channels, a column of B is a kernel. A task
// knows where everything lies; how a matrix is cut into tasks is matmul_plan.h.
//
// A cell is 16 bytes. Addresses are those of the NPU (IOVA, 32 bits).
#pragma once

#include <cstdint>
#include <vector>

#include "backend/rknpu/command_word.h"
#include "backend/rknpu/matmul_type.h"

namespace wattle::rknpu {

inline constexpr uint32_t kBanks = 12;  // of the buffer of a core, features and weights
inline constexpr uint32_t kBankBytes = 32 * 1024;
inline constexpr uint32_t kEntryBytes = 64;  // a line of features takes whole quarters of that
inline constexpr uint32_t kBankEntries = kBankBytes / kEntryBytes;

struct MatmulTask {
  MatmulType type = MatmulType::i8_i8_i32;
  uint32_t k = 0;
  uint32_t n = 0;
  uint32_t width = 1;  // width * height = rows
  uint32_t height = 1;

  // Where cell c of the pixel (h, w) of A lies:
  //   line strides:    a + 16 (c (width + surface_stride) + h line_stride + w)
  //   no line strides: a + 16 (c (4 width + surface_stride) + h width + w)
  uint32_t a = 0;
  bool has_line_stride = false;
  int32_t line_stride = 4;
  int32_t surface_stride = 0;

  uint32_t b = 0;  // kernels of native layout

  // Where cell n of the pixel (h, w) of C lies: c + n c_surface_bytes + 16 (h (width + c_notch) +
  // w)
  uint32_t c = 0;
  uint32_t c_surface_bytes = 0;
  uint32_t c_notch = 0;
  uint32_t c_rows = 1;  // rows that the surfaces of C hold; 1 where it is row-major

  uint32_t feature_grains = 2;  // lines that are fetched before the first is used
  uint32_t entries = 1;         // of the buffer, for each line of features
  uint32_t data_bank = 1;       // for features; weights have the others
  bool weight_reuse = false;    // the task before left these weights, with the same banks
  bool data_reuse = false;

  // Two bits that make no difference to the product; the sources of the orientations differ in
  // them.
  bool qd_en = true;      // CORE 3010 bit 0
  bool od_bypass = true;  // DPU 4050 bit 1
};

// The writes of a task, in the order of the vendor's runtime: all but the four words that end it.
// with_rdma: with the block that reads further operands set to read none, as the mainline driver's
// streams have it.
std::vector<RegisterWrite> register_writes(const MatmulTask& task, bool with_rdma);

}  // namespace wattle::rknpu
