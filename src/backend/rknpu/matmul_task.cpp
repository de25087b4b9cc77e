// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/matmul_task.h"

#include "backend/rknpu/register_writer.h"

namespace wattle::rknpu {
namespace {

// Sums of f32 that are written as f16.
constexpr bool narrows(const MatmulTypeInfo& type) {
  return type.is_float && type.output_bytes == 2;
}
constexpr uint32_t stride_28(int32_t cells) { return static_cast<uint32_t>(cells) & 0x0fffffff; }

void write_cna(const MatmulTask& task, const MatmulTypeInfo& type, RegisterWriter& out) {
  const uint32_t row_bytes = type.row_bytes(task.k);
  const uint32_t plane = pair(task.width, task.height);
  out.to(Target::cna);
  out.set(0x100c, type.conv_con1 | static_cast<uint32_t>(task.has_line_stride) << 29);
  out.set(0x1010, task.feature_grains << 4);
  out.set(0x1014, 9);  // strides of 1
  out.set(0x1020, plane);
  out.set(0x1024, pair(task.k - 1, task.k));
  out.set(0x1028, task.width);
  out.set(0x102c, task.width * task.height);
  out.set(0x1030, task.n * row_bytes);
  out.set(0x1034, row_bytes);
  out.set(0x1038, 0x01010000 | task.n);  // kernels of 1 x 1
  out.set(0x1040, static_cast<uint32_t>(task.weight_reuse) << 13 |
                      static_cast<uint32_t>(task.data_reuse) << 12 |
                      (kBanks - task.data_bank) << 4 | task.data_bank);
  out.set(0x1044, task.entries);
  out.set(0x104c, 0xb);  // features as they are
  for (const uint16_t scale : {0x1050, 0x1054, 0x1058, 0x105c}) out.set(scale, 0x10000);
  out.clear(0x1060, 0x1068);
  out.set(0x1070, task.a);
  out.set(0x1074, 0);
  out.set(0x1078, 0xf000f);  // bursts as long as there are
  out.set(0x107c, stride_28(task.line_stride));
  out.set(0x1080, stride_28(task.surface_stride));
  out.set(0x1084, plane);
  out.set(0x1088, task.k);
  out.set(0x1100, 0);  // weights are not compressed
  out.set(0x1104, 0);
  out.set(0x1110, task.b);
  out.clear(0x1140, 0x1184);
}

void write_core(const MatmulTask& task, const MatmulTypeInfo& type, RegisterWriter& out) {
  out.to(Target::core);
  out.set(0x3010, type.proc_precision << 8 | static_cast<uint32_t>(task.qd_en));
  out.set(0x3014, pair(task.height - 1, task.width - 1));
  out.set(0x3018, task.n - 1);
  out.set(0x301c, 0);
  out.set(0x3030, 0);
}

void write_dpu(const MatmulTask& task, const MatmulTypeInfo& type, RegisterWriter& out) {
  out.to(Target::dpu);
  out.set(0x400c, 0x1e4);
  out.set(0x4010, type.data_format);
  out.set(0x4014, 0);
  out.set(0x4020, task.c);
  out.set(0x4024, task.c_surface_bytes);
  out.set(0x4030, task.width - 1);
  out.set(0x4034, task.height - 1);
  out.set(0x4038, pair(task.c_notch, task.c_notch));
  out.set(0x403c, pair(task.n - 1, task.n - 1));
  out.set(0x4040, 0x53);  // bias and scale are passed by
  out.clear(0x4044, 0x404c);
  out.set(0x4050, type.size_e | static_cast<uint32_t>(task.od_bypass) << 1);
  out.set(0x4054, 0);
  out.set(0x4058, task.n - 1);
  out.set(0x405c, pair(task.height - 1, task.width - 1));
  out.set(0x4060, 0x53);
  out.clear(0x4064, 0x406c);
  out.set(0x4070, 0x383);  // so are element-wise operations
  out.set(0x4074, 0);
  out.set(0x4078, 1);
  out.set(0x407c, 0);
  out.set(0x4080, 0);
  out.set(0x4084, 1 | static_cast<uint32_t>(narrows(type)) << 16);
  out.set(0x4088, 0);
  out.clear(0x4090, 0x40ac);
  out.set(0x40c0, type.cells_of_group() * 16 * task.c_rows);
  out.set(0x40c4, 0);
  out.clear(0x4100, 0x412c);
}

// Reads nothing; without it a job of the mainline driver does not end.
void write_rdma(const MatmulTask& task, RegisterWriter& out) {
  out.to(Target::dpu_rdma);
  out.set(0x500c, task.width - 1);
  out.set(0x5010, task.height - 1);
  out.set(0x5014, task.n - 1);
  out.set(0x5018, 0);
  out.set(0x501c, 0);
  out.set(0x5020, 0);
  out.set(0x5028, 0);
  out.set(0x502c, 0);
  out.set(0x5034, 1);
  out.set(0x5038, 0);
  out.set(0x5040, 0);
  out.set(0x5044, 0x7810 | static_cast<uint32_t>(narrows(info(task.type))) << 3);
  out.set(0x5048, 0);
  out.set(0x504c, 0);
  out.set(0x5064, 0);
  out.set(0x5068, 0x01010101);
  out.set(0x506c, 0);
}

}  // namespace

std::vector<RegisterWrite> register_writes(const MatmulTask& task, bool with_rdma) {
  const MatmulTypeInfo& type = info(task.type);
  std::vector<RegisterWrite> writes;
  RegisterWriter out(writes);
  out.to(Target::dpu);
  out.set(0x4004, 0xe);  // registers in two sets by turns
  if (with_rdma) {
    out.to(Target::dpu_rdma);
    out.set(0x5004, 0xe);
  }
  write_cna(task, type, out);
  write_core(task, type, out);
  write_dpu(task, type, out);
  if (with_rdma) write_rdma(task, out);
  return writes;
}

}  // namespace wattle::rknpu
