// SPDX-License-Identifier: Apache-2.0
// Inside of reader.cpp: the header of one GGUF file, every byte of it untrusted.
//
//   magic "GGUF" | u32 version | u64 n_tensors | u64 n_keys
//   n_keys times:    key string | u32 type | value
//   n_tensors times: name string | u32 n_dims | u64 dims[n_dims], innermost first | u32 type |
//                    u64 offset
//   padding to the alignment, then the data section that offsets count from
//
// A string is a u64 length and its bytes; an array a u32 element type, a u64 count, its elements.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/value.h"
#include "tensor/dtype.h"

namespace wattle::gguf {

struct TensorInfo {
  std::string_view name;
  uint32_t type_id = 0;        // the number in the file
  std::optional<DType> dtype;  // nothing: a type this build cannot read
  uint32_t n_dims = 0;
  std::array<uint64_t, 4> shape{1, 1, 1, 1};  // outermost first; entries from n_dims on are 1
  const std::byte* data = nullptr;
  uint64_t size_bytes = 0;  // 0 where dtype is nothing

  uint64_t n_elements() const noexcept { return shape[0] * shape[1] * shape[2] * shape[3]; }
};

struct ParsedFile {
  uint32_t version = 0;
  std::vector<Value> values;
  std::vector<TensorInfo> tensors;
};

// Views and data pointers go into `bytes`. What is allocated is bounded by the size of the header.
// Throws Error{bad_input}, or Error{unsupported} for versions this build does not read.
ParsedFile parse_file(std::span<const std::byte> bytes, const std::string& file_name);

}  // namespace wattle::gguf
