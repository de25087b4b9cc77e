// SPDX-License-Identifier: Apache-2.0
// The products of matrices that RK3588's multipliers do, and what each means in registers and
// bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace wattle::rknpu {

enum class MatmulType { f16_f16_f32, f16_f16_f16, i8_i8_i32, i4_i4_i16 };

struct MatmulTypeInfo {
  MatmulType type;
  std::string_view name;     // as recorded streams have it: "i8i8i32"
  std::string_view operand;  // "i8", or "f16" where it is the default for that operand
  uint32_t operand_bits;
  uint32_t output_bytes;
  uint32_t kernel_group;  // columns of B that are computed together; the runtime wants whole ones
  bool is_float;
  uint32_t conv_con1;    // CNA 100c: precision of operands and of the sum
  uint32_t data_format;  // DPU 4010: precisions of output, input and sum
  uint32_t size_e;       // DPU 4050: cells of output for each kernel group, less one, three times
  uint32_t proc_precision;  // CORE 3010, bits 10-8

  constexpr uint32_t row_bytes(uint32_t k) const noexcept { return k * operand_bits / 8; }
  // Cells of 16 bytes that a kernel group's outputs fill.
  constexpr uint32_t cells_of_group() const noexcept { return kernel_group * output_bytes / 16; }
};

std::span<const MatmulTypeInfo> matmul_types() noexcept;
const MatmulTypeInfo& info(MatmulType type) noexcept;
// By name ("i4i4i16") or operand ("i4"; "f16" is f16f16f32).
std::optional<MatmulType> matmul_type_of(std::string_view name) noexcept;

}  // namespace wattle::rknpu
