// SPDX-License-Identifier: Apache-2.0
// The element types of GGUF tensors. Numbers, names and block sizes are those of the file format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace wattle {

enum class DType : uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20,
  iq4_xs = 23,
  bf16 = 30,
  mxfp4 = 39,
};

struct DTypeInfo {
  DType type;
  std::string_view name;  // lower case, as in file names of models: "q4_k"
  uint32_t block_elems;   // elements of one block; a row holds a whole number of blocks
  uint32_t block_bytes;
};

// All types this build can read, in the order of their numbers.
std::span<const DTypeInfo> all_dtypes() noexcept;

const DTypeInfo& dtype_info(DType type) noexcept;

// The type of a number found in a file; nothing where this build cannot read it.
std::optional<DType> dtype_from_id(uint32_t id) noexcept;

// The name of any number the format has defined, also of types this build cannot read ("iq2_xs");
// "type 77" style callers get nothing.
std::optional<std::string_view> dtype_name_of_id(uint32_t id) noexcept;

// Bytes of a row of n elements; n must be a multiple of block_elems.
size_t row_bytes(DType type, size_t n) noexcept;

}  // namespace wattle
