// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/registers.h"

#include <algorithm>

namespace wattle::rknpu {
namespace {

using enum Target;

// Numbered groups (DCOMP_AMOUNT, EW_OPERAND) carry the first one's name.
constexpr Register kRegisters[] = {
    {version, 0x0000, "VERSION", ""},
    {enable, 0x0008, "OPERATION_ENABLE", "PPU_RDMA[6] PPU[5] DPU_RDMA[4] DPU[3] CORE[2] CNA[0]"},
    {pc, 0x0010, "BASE_ADDRESS", "-"},
    {pc, 0x0014, "REGISTER_AMOUNTS", ""},
    {cna, 0x1004, "S_POINTER", ""},
    {cna, 0x100c, "CONV_CON1",
     "NONALIGN_DMA[30] GROUP_LINE_OFF[29] PROC_PRECISION[9:7] IN_PRECISION[6:4] CONV_MODE[3:0]"},
    {cna, 0x1010, "CONV_CON2", "FEATURE_GRAINS[13:4]"},
    {cna, 0x1014, "CONV_CON3", "CONV_Y_STRIDE[5:3] CONV_X_STRIDE[2:0]"},
    {cna, 0x1020, "DATA_SIZE0", "DATAIN_WIDTH[26:16] DATAIN_HEIGHT[10:0]"},
    {cna, 0x1024, "DATA_SIZE1", "CHANNEL_REAL[29:16] CHANNEL[15:0]"},
    {cna, 0x1028, "DATA_SIZE2", "DATAOUT_WIDTH[10:0]"},
    {cna, 0x102c, "DATA_SIZE3", "SURF_MODE[23:22] DATAOUT_ATOMICS[21:0]"},
    {cna, 0x1030, "WEIGHT_SIZE0", ""},
    {cna, 0x1034, "WEIGHT_SIZE1", "WEIGHT_BYTES_PER_KERNEL[18:0]"},
    {cna, 0x1038, "WEIGHT_SIZE2", "WEIGHT_WIDTH[28:24] WEIGHT_HEIGHT[20:16] WEIGHT_KERNELS[13:0]"},
    {cna, 0x1040, "CBUF_CON0",
     "WEIGHT_REUSE[13] DATA_REUSE[12] FC_DATA_BANK[10:8] WEIGHT_BANK[7:4] DATA_BANK[3:0]"},
    {cna, 0x1044, "CBUF_CON1", "DATA_ENTRIES[13:0]"},
    {cna, 0x104c, "CVT_CON0", "DATA_SIGN[3] ROUND_TYPE[2] CVT_TYPE[1] BYPASS[0]"},
    {cna, 0x1050, "CVT_CON1", "SCALE[31:16] OFFSET[15:0]"},
    {cna, 0x1054, "CVT_CON2", "SCALE[31:16] OFFSET[15:0]"},
    {cna, 0x1058, "CVT_CON3", "SCALE[31:16] OFFSET[15:0]"},
    {cna, 0x105c, "CVT_CON4", "SCALE[31:16] OFFSET[15:0]"},
    {cna, 0x1060, "FC_CON0", "FC_SKIP_DATA[31:16] FC_SKIP_EN[0]"},
    {cna, 0x1064, "FC_CON1", "DATA_OFFSET[16:0]"},
    {cna, 0x1068, "PAD_CON0", "PAD_LEFT[7:4] PAD_TOP[3:0]"},
    {cna, 0x1070, "FEATURE_DATA_ADDR", "-"},
    {cna, 0x1074, "FC_CON2", "WEIGHT_OFFSET[16:0]"},
    {cna, 0x1078, "DMA_CON0", "OV4K_BYPASS[31] WEIGHT_BURST[19:16] DATA_BURST[3:0]"},
    {cna, 0x107c, "DMA_CON1", "LINE_STRIDE[27:0]"},
    {cna, 0x1080, "DMA_CON2", "SURF_STRIDE[27:0]"},
    {cna, 0x1084, "FC_DATA_SIZE0", "DMA_WIDTH[29:16] DMA_HEIGHT[10:0]"},
    {cna, 0x1088, "FC_DATA_SIZE1", "DMA_CHANNEL[15:0]"},
    {cna, 0x1100, "DCOMP_CTRL", ""},
    {cna, 0x1104, "DCOMP_REGNUM", ""},
    {cna, 0x1110, "DCOMP_ADDR0", "-"},
    {cna, 0x1140, "DCOMP_AMOUNT", ""},
    {cna, 0x1180, "CVT_CON5", ""},
    {cna, 0x1184, "PAD_CON1", ""},
    {core, 0x3004, "S_POINTER", ""},
    {core, 0x3010, "MISC_CFG", "SOFT_GATING[19:14] PROC_PRECISION[10:8] DW_EN[1] QD_EN[0]"},
    {core, 0x3014, "DATAOUT_SIZE_0", "DATAOUT_HEIGHT[31:16] DATAOUT_WIDTH[15:0]"},
    {core, 0x3018, "DATAOUT_SIZE_1", "DATAOUT_CHANNEL[15:0]"},
    {core, 0x301c, "CLIP_TRUNCATE", "ROUND_TYPE[6] TRUNCATE[4:0]"},
    {core, 0x3030, "RESERVED", ""},
    {dpu, 0x4004, "S_POINTER", "PP_MODE[3] EXECUTER_PP_EN[2] POINTER_PP_EN[1] POINTER[0]"},
    {dpu, 0x400c, "FEATURE_MODE_CFG",
     "COMB_USE[31] TP_EN[30] NONALIGN[25] SURF_LEN[24:9] BURST_LEN[8:5] CONV_MODE[4:3] "
     "OUTPUT_MODE[2:1] FLYING_MODE[0]"},
    {dpu, 0x4010, "DATA_FORMAT", "OUT_PRECISION[31:29] IN_PRECISION[28:26] PROC_PRECISION[2:0]"},
    {dpu, 0x4014, "OFFSET_PEND", ""},
    {dpu, 0x4020, "DST_BASE_ADDR", "-"},
    {dpu, 0x4024, "DST_SURF_STRIDE", ""},
    {dpu, 0x4030, "DATA_CUBE_WIDTH", ""},
    {dpu, 0x4034, "DATA_CUBE_HEIGHT", "MINMAX[24:22] HEIGHT[12:0]"},
    {dpu, 0x4038, "DATA_CUBE_NOTCH_ADDR", "NOTCH_1[28:16] NOTCH_0[12:0]"},
    {dpu, 0x403c, "DATA_CUBE_CHANNEL", "ORIG_CHANNEL[28:16] CHANNEL[12:0]"},
    {dpu, 0x4040, "BS_CFG", "RELU_BYPASS[6] MUL_BYPASS[4] ALU_BYPASS[1] BYPASS[0]"},
    {dpu, 0x4044, "BS_ALU_CFG", ""},
    {dpu, 0x4048, "BS_MUL_CFG", ""},
    {dpu, 0x404c, "BS_RELUX_CMP_VALUE", ""},
    {dpu, 0x4050, "BS_OW_CFG", "SIZE_E_2[10:8] SIZE_E_1[7:5] SIZE_E_0[4:2] OD_BYPASS[1] OW_SRC[0]"},
    {dpu, 0x4054, "BS_OW_OP", ""},
    {dpu, 0x4058, "WDMA_SIZE_0", "SIZE_C_WDMA[26:16] CHANNEL_WDMA[12:0]"},
    {dpu, 0x405c, "WDMA_SIZE_1", "HEIGHT_WDMA[28:16] WIDTH_WDMA[12:0]"},
    {dpu, 0x4060, "BN_CFG", "RELU_BYPASS[6] MUL_BYPASS[4] ALU_BYPASS[1] BYPASS[0]"},
    {dpu, 0x4064, "BN_ALU_CFG", ""},
    {dpu, 0x4068, "BN_MUL_CFG", ""},
    {dpu, 0x406c, "BN_RELUX_CMP_VALUE", ""},
    {dpu, 0x4070, "EW_CFG",
     "RELU_BYPASS[9] OP_CVT_BYPASS[8] LUT_BYPASS[7] OP_SRC[6] OP_BYPASS[1] BYPASS[0]"},
    {dpu, 0x4074, "EW_CVT_OFFSET_VALUE", ""},
    {dpu, 0x4078, "EW_CVT_SCALE_VALUE", "TRUNCATE[31:22] SHIFT[21:16] SCALE[15:0]"},
    {dpu, 0x407c, "EW_RELUX_CMP_VALUE", ""},
    {dpu, 0x4080, "OUT_CVT_OFFSET", ""},
    {dpu, 0x4084, "OUT_CVT_SCALE", "FP32TOFP16_EN[16] OUT_CVT_SCALE[15:0]"},
    {dpu, 0x4088, "OUT_CVT_SHIFT", "CVT_TYPE[31] CVT_ROUND[30] MINUS_EXP[19:12] SHIFT[11:0]"},
    {dpu, 0x4090, "EW_OPERAND", ""},
    {dpu, 0x40c0, "SURFACE_ADD", ""},
    {dpu, 0x40c4, "RESERVED", ""},
    {dpu, 0x4100, "LUT", ""},
    {dpu_rdma, 0x5004, "S_POINTER", "PP_MODE[3] EXECUTER_PP_EN[2] POINTER_PP_EN[1] POINTER[0]"},
    {dpu_rdma, 0x500c, "DATA_CUBE_WIDTH", ""},
    {dpu_rdma, 0x5010, "DATA_CUBE_HEIGHT", ""},
    {dpu_rdma, 0x5014, "DATA_CUBE_CHANNEL", ""},
    {dpu_rdma, 0x5018, "SRC_BASE_ADDR", "-"},
    {dpu_rdma, 0x501c, "BRDMA_CFG", "BRDMA_DATA_USE[4:1]"},
    {dpu_rdma, 0x5020, "BS_BASE_ADDR", "-"},
    {dpu_rdma, 0x5028, "NRDMA_CFG", "NRDMA_DATA_USE[4:1]"},
    {dpu_rdma, 0x502c, "BN_BASE_ADDR", "-"},
    {dpu_rdma, 0x5034, "ERDMA_CFG",
     "DATA_MODE[31:30] SURF_MODE[29] NONALIGN[28] DATA_SIZE[3:2] OV4K[1] DISABLE[0]"},
    {dpu_rdma, 0x5038, "EW_BASE_ADDR", "-"},
    {dpu_rdma, 0x5040, "EW_SURF_STRIDE", ""},
    {dpu_rdma, 0x5044, "FEATURE_MODE_CFG",
     "IN_PRECISION[17:15] BURST_LEN[14:11] COMB_USE[10:8] PROC_PRECISION[7:5] MRDMA_DISABLE[4] "
     "MRDMA_FP16TOFP32[3] CONV_MODE[2:1] FLYING_MODE[0]"},
    {dpu_rdma, 0x5048, "SRC_DMA_CFG", ""},
    {dpu_rdma, 0x504c, "SURF_NOTCH", ""},
    {dpu_rdma, 0x5064, "PAD_CFG", ""},
    {dpu_rdma, 0x5068, "WEIGHT", "E_WEIGHT[31:24] N_WEIGHT[23:16] B_WEIGHT[15:8] M_WEIGHT[7:0]"},
    {dpu_rdma, 0x506c, "EW_SURF_NOTCH", ""},
};

struct Group {
  Target target;
  uint16_t first;
  uint16_t last;
};
constexpr Group kGroups[] = {{cna, 0x1140, 0x117c}, {dpu, 0x4090, 0x40ac}, {dpu, 0x4100, 0x412c}};

}  // namespace

const Register* find_register(Target target, uint16_t offset) noexcept {
  for (const Group& group : kGroups) {
    if (group.target == target && group.first <= offset && offset <= group.last)
      offset = group.first;
  }
  const auto* found = std::ranges::find_if(kRegisters, [&](const Register& candidate) {
    return candidate.target == target && candidate.offset == offset;
  });
  return found == std::end(kRegisters) ? nullptr : found;
}

std::string_view name_of(Target target) noexcept {
  switch (target) {
    case none: return "-";
    case version: return "VERSION";
    case enable: return "ENABLE";
    case pc: return "PC";
    case cna: return "CNA";
    case core: return "CORE";
    case dpu: return "DPU";
    case dpu_rdma: return "DPU_RDMA";
  }
  return "?";
}

}  // namespace wattle::rknpu
