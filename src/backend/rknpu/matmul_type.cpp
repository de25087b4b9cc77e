// SPDX-License-Identifier: Apache-2.0
#include "backend/rknpu/matmul_type.h"

#include <algorithm>

namespace wattle::rknpu {
namespace {

constexpr MatmulTypeInfo kTypes[] = {
    {.type = MatmulType::f16_f16_f32,
     .name = "f16f16f32",
     .operand = "f16",
     .operand_bits = 16,
     .output_bytes = 4,
     .kernel_group = 16,
     .is_float = true,
     .conv_con1 = 0x120,
     .data_format = 0xa8000002,
     .size_e = 0x36c,
     .proc_precision = 2},
    {.type = MatmulType::f16_f16_f16,
     .name = "f16f16f16",
     .operand = "",
     .operand_bits = 16,
     .output_bytes = 2,
     .kernel_group = 16,
     .is_float = true,
     .conv_con1 = 0x120,
     .data_format = 0x48000002,
     .size_e = 0x124,
     .proc_precision = 2},
    {.type = MatmulType::i8_i8_i32,
     .name = "i8i8i32",
     .operand = "i8",
     .operand_bits = 8,
     .output_bytes = 4,
     .kernel_group = 32,
     .is_float = false,
     .conv_con1 = 0,
     .data_format = 0x80000000,
     .size_e = 0x7fc,
     .proc_precision = 0},
    {.type = MatmulType::i4_i4_i16,
     .name = "i4i4i16",
     .operand = "i4",
     .operand_bits = 4,
     .output_bytes = 2,
     .kernel_group = 64,
     .is_float = false,
     .conv_con1 = 0x360,
     .data_format = 0x38000006,
     .size_e = 0x7fc,
     .proc_precision = 6},
};

}  // namespace

std::span<const MatmulTypeInfo> matmul_types() noexcept { return kTypes; }

const MatmulTypeInfo& info(MatmulType type) noexcept {
  return *std::ranges::find(kTypes, type, &MatmulTypeInfo::type);
}

std::optional<MatmulType> matmul_type_of(std::string_view name) noexcept {
  for (const MatmulTypeInfo& known : kTypes) {
    if (known.name == name || (!known.operand.empty() && known.operand == name)) return known.type;
  }
  return std::nullopt;
}

}  // namespace wattle::rknpu
