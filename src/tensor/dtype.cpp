// SPDX-License-Identifier: Apache-2.0
#include "tensor/dtype.h"

#include <utility>

#include "base/assert.h"

namespace wattle {
namespace {

constexpr DTypeInfo kInfo[] = {
    {DType::f32, "f32", 1, 4},         {DType::f16, "f16", 1, 2},
    {DType::q4_0, "q4_0", 32, 18},     {DType::q4_1, "q4_1", 32, 20},
    {DType::q5_0, "q5_0", 32, 22},     {DType::q5_1, "q5_1", 32, 24},
    {DType::q8_0, "q8_0", 32, 34},     {DType::q2_k, "q2_k", 256, 84},
    {DType::q3_k, "q3_k", 256, 110},   {DType::q4_k, "q4_k", 256, 144},
    {DType::q5_k, "q5_k", 256, 176},   {DType::q6_k, "q6_k", 256, 210},
    {DType::iq4_nl, "iq4_nl", 32, 18}, {DType::iq4_xs, "iq4_xs", 256, 136},
    {DType::bf16, "bf16", 1, 2},       {DType::mxfp4, "mxfp4", 32, 17},
};

// Defined by the format, not readable here: named in error messages only.
constexpr std::pair<uint32_t, std::string_view> kOther[] = {
    {9, "q8_1"},   {15, "q8_k"},  {16, "iq2_xxs"}, {17, "iq2_xs"}, {18, "iq3_xxs"}, {19, "iq1_s"},
    {21, "iq3_s"}, {22, "iq2_s"}, {24, "i8"},      {25, "i16"},    {26, "i32"},     {27, "i64"},
    {28, "f64"},   {29, "iq1_m"}, {34, "tq1_0"},   {35, "tq2_0"},  {40, "nvfp4"},
};

}  // namespace

std::span<const DTypeInfo> all_dtypes() noexcept { return kInfo; }

const DTypeInfo& dtype_info(DType type) noexcept {
  for (const DTypeInfo& info : kInfo) {
    if (info.type == type) return info;
  }
  WATTLE_ASSERT(false);  // a DType is only ever made by dtype_from_id or by name
  return kInfo[0];
}

std::optional<DType> dtype_from_id(uint32_t id) noexcept {
  for (const DTypeInfo& info : kInfo) {
    if (static_cast<uint32_t>(info.type) == id) return info.type;
  }
  return std::nullopt;
}

std::optional<std::string_view> dtype_name_of_id(uint32_t id) noexcept {
  if (const auto type = dtype_from_id(id)) return dtype_info(*type).name;
  for (const auto& [other, name] : kOther) {
    if (other == id) return name;
  }
  return std::nullopt;
}

size_t row_bytes(DType type, size_t n) noexcept {
  const DTypeInfo& info = dtype_info(type);
  WATTLE_ASSERT(n % info.block_elems == 0);
  return n / info.block_elems * info.block_bytes;
}

}  // namespace wattle
