// SPDX-License-Identifier: Apache-2.0
// GGUF bytes written field by field, so that any field can be wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "gguf/value.h"

namespace wattle::test {

class RawFile {
 public:
  // The fixed part of the header.
  static RawFile with_counts(uint64_t n_tensors, uint64_t n_keys, uint32_t version = 3) {
    RawFile file;
    file.text("GGUF").u32(version).u64(n_tensors).u64(n_keys);
    return file;
  }

  RawFile& text(std::string_view bytes) {
    const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
    bytes_.insert(bytes_.end(), begin, begin + bytes.size());
    return *this;
  }
  RawFile& u8(uint8_t value) { return number(value, 1); }
  RawFile& u32(uint32_t value) { return number(value, 4); }
  RawFile& u64(uint64_t value) { return number(value, 8); }
  RawFile& string(std::string_view value) { return u64(value.size()).text(value); }
  RawFile& type(gguf::ValueType value) { return u32(static_cast<uint32_t>(value)); }

  RawFile& key_u32(std::string_view key, uint32_t value) {
    return string(key).type(gguf::ValueType::u32).u32(value);
  }
  RawFile& key_u16(std::string_view key, uint16_t value) {
    return string(key).type(gguf::ValueType::u16).number(value, 2);
  }
  // dims: innermost first, as in the file.
  RawFile& tensor(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type_id,
                  uint64_t offset) {
    string(name).u32(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) u64(dim);
    return u32(type_id).u64(offset);
  }
  // Padding up to the data section, then `size` bytes of it.
  RawFile& data(size_t size, size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment + size);
    return *this;
  }

  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  RawFile& number(uint64_t value, int n_bytes) {
    for (int i = 0; i < n_bytes; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }

  std::vector<std::byte> bytes_;
};

}  // namespace wattle::test
