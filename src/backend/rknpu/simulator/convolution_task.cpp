// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/simulator/convolution_task.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/rknpu/matmul_task.h"

namespace wattle::rknpu {
namespace {

// Strides have 28 bits and a sign.
int64_t signed_28(uint32_t value) { return static_cast<int32_t>(value << 4) >> 4; }

struct Precisions {
  uint32_t in;   // as CNA, CORE and DPU have it
  uint32_t out;  // as DPU has it
  Operand operand;
  Result result;
};

constexpr Precisions kPrecisions[] = {
    {.in = 0, .out = 4, .operand = Operand::i8, .result = Result::i32},
    {.in = 0, .out = 5, .operand = Operand::i8, .result = Result::f32},
    {.in = 2, .out = 5, .operand = Operand::f16, .result = Result::f32},
    {.in = 2, .out = 2, .operand = Operand::f16, .result = Result::f16},
    {.in = 6, .out = 1, .operand = Operand::i4, .result = Result::i16},
};

std::string read_precisions(const RegisterFile& r, ConvolutionTask& task) {
  const uint32_t in = r.bits(0x100c, 6, 4);
  const uint32_t out = r.bits(0x4010, 31, 29);
  const auto* known = std::ranges::find_if(
      kPrecisions, [&](const Precisions& p) { return p.in == in && p.out == out; });
  if (known == std::end(kPrecisions))
    return fmt::format("precision {} to {} is not simulated", in, out);
  if (r.bits(0x100c, 9, 7) != in || r.bits(0x3010, 10, 8) != in || r.bits(0x4010, 28, 26) != in ||
      r.bits(0x4010, 2, 0) != in)
    return "blocks are set to different precisions";
  // f32 sums become f16 by a switch of their own.
  if ((r.bits(0x4084, 16, 16) != 0) != (known->result == Result::f16))
    return "f32 to f16 is switched on or off against the precision of results";
  task.operand = known->operand;
  task.result = known->result;
  return {};
}

// Stages that would change sums must be passed by.
std::string check_stages(const RegisterFile& r) {
  if (r.bits(0x100c, 3, 0) != 0) return "another mode of convolution than the direct one";
  if (r.get(0x1014) != 9) return "strides other than 1";
  if (r.bits(0x104c, 0, 0) != 1) return "features are converted";
  if (r.get(0x1068) != 0) return "features are padded";
  if (r.bits(0x1038, 28, 24) != 1 || r.bits(0x1038, 20, 16) != 1)
    return "kernels of more than one element";
  if (r.get(0x1100) != 0) return "weights are compressed";
  if (r.bits(0x4040, 0, 0) != 1 || r.bits(0x4060, 0, 0) != 1 || r.bits(0x4070, 0, 0) != 1)
    return "an operation on results";
  if (r.get(0x4080) != 0 || r.bits(0x4084, 15, 0) != 1 || r.get(0x4088) != 0)
    return "results are scaled";
  return {};
}

void read_planes(const RegisterFile& r, ConvolutionTask& task) {
  Plane& in = task.features;
  in.base = r.get(0x1070);
  in.width = r.bits(0x1020, 26, 16);
  in.height = r.bits(0x1020, 10, 0);
  const bool has_line_stride = r.bits(0x100c, 29, 29) != 0;
  const int64_t surface = signed_28(r.bits(0x1080, 27, 0));
  in.row_cells = has_line_stride ? signed_28(r.bits(0x107c, 27, 0)) : in.width;
  in.surface_bytes = 16 * ((has_line_stride ? in.width : 4 * int64_t{in.width}) + surface);

  Plane& out = task.results;
  out.base = r.get(0x4020);
  out.width = r.bits(0x4030, 12, 0) + 1;
  out.height = r.bits(0x4034, 12, 0) + 1;
  out.row_cells = out.width + r.bits(0x4038, 12, 0);
  out.surface_bytes = r.get(0x4024) & ~15U;
}

// Entries that a line of features takes at least: of its last one a quarter, a half or all.
uint32_t entries_of_line(const ConvolutionTask& task) {
  const uint32_t rest = task.row_bytes() % kEntryBytes;
  const uint32_t quarters = rest == 0 ? 0 : rest <= 16 ? 1 : rest <= 32 ? 2 : 4;
  return (task.features.width * (task.row_bytes() / kEntryBytes * 4 + quarters) + 3) / 4;
}

std::string check_buffer(const RegisterFile& r, const ConvolutionTask& task) {
  const uint32_t data = task.data_banks;
  const uint32_t weights = task.weight_banks;
  if (data < 1 || weights < 1 || data + weights > kBanks)
    return fmt::format("{} banks of features and {} of weights, of {}", data, weights, kBanks);
  // The vendor's runtime fits a whole group of kernels; a generator that was run on boards does
  // not.
  if (task.row_bytes() > weights * kBankBytes)
    return fmt::format("a kernel of {} bytes in {} banks", task.row_bytes(), weights);
  const uint32_t entries = r.bits(0x1044, 13, 0);
  if (entries < entries_of_line(task))
    return fmt::format("{} entries a line of features that takes {}", entries,
                       entries_of_line(task));
  const uint64_t lines = uint64_t{entries} * task.features.height;
  if (lines > uint64_t{data} * kBankEntries)
    return fmt::format("{} entries of features in {} banks", lines, data);
  return {};
}

}  // namespace

std::string decode(const RegisterFile& r, ConvolutionTask& task) {
  if (std::string why = read_precisions(r, task); !why.empty()) return why;
  if (std::string why = check_stages(r); !why.empty()) return why;
  read_planes(r, task);
  task.n_k = r.bits(0x1088, 15, 0);
  task.n_n = r.bits(0x1038, 13, 0);
  task.n_written = std::min(task.n_n, r.bits(0x403c, 12, 0) + 1);
  task.weights = r.get(0x1110);
  task.data_banks = r.bits(0x1040, 3, 0);
  task.weight_banks = r.bits(0x1040, 7, 4);
  task.data_reuse = r.bits(0x1040, 12, 12) != 0;
  task.weight_reuse = r.bits(0x1040, 13, 13) != 0;
  if (task.features.n_pixels() == 0 || task.n_k == 0 || task.n_n == 0) return "an empty task";
  if (task.n_k % 32 != 0) return fmt::format("{} channels, no multiple of 32", task.n_k);
  if (task.features.n_pixels() != task.results.n_pixels()) return "planes of different sizes";
  if (r.get(0x1030) != task.weight_bytes() || r.bits(0x1034, 18, 0) != task.row_bytes())
    return "sizes of weights that are not those of the kernels";
  return check_buffer(r, task);
}

TaskWork work_of(const ConvolutionTask& task) {
  const double n_pixels = task.features.n_pixels();
  const double weights = task.weight_reuse ? 0 : static_cast<double>(task.weight_bytes());
  const double features = task.data_reuse ? 0 : n_pixels * task.row_bytes();
  return {.operand_bits = bits_of(task.operand),
          .rows = task.features.n_pixels(),
          .macs = n_pixels * task.n_k * task.n_n,
          .bytes = weights + features + n_pixels * task.n_written * bytes_of(task.result),
          .is_row_major = task.results.surface_bytes == 16 && task.results.n_pixels() > 1};
}

}  // namespace wattle::rknpu
