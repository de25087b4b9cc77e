// SPDX-License-Identifier: Apache-2.0
// One metadata entry as it lies in the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace wattle::gguf {

// Numbers of the file format.
enum class ValueType : uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};
inline constexpr uint32_t kValueTypes = 13;

std::string_view value_type_name(ValueType type) noexcept;  // "u32", "bool", "string"

// Bytes of a value of fixed size; 0 for string and array.
size_t value_type_size(ValueType type) noexcept;

// Checked against the file when it was opened. Views live as long as the file's mapping.
struct Value {
  std::string_view key;
  ValueType type = ValueType::u8;     // array: `element` says of what
  ValueType element = ValueType::u8;  // same as `type` where that is no array
  uint64_t count = 1;                 // elements of an array
  // The elements without gaps and without alignment; a string is a u64 length and its bytes.
  std::span<const std::byte> bytes;
};

}  // namespace wattle::gguf
