// SPDX-License-Identifier: Apache-2.0
// The keys of a GGUF file by name and with the type the caller wants.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/value.h"

namespace wattle::gguf {

// T is one of bool, int32_t, uint32_t, int64_t, uint64_t, float, double, std::string_view.
// Writers of files do not agree on integer types, so any integer type is read as any other as long
// as the value fits, and a float may be written as an integer; nothing else is converted. A wrong
// type or range is Error{bad_input} naming file, key, found and expected. Immutable; string_views
// live as long as the file's mapping.
class Metadata {
 public:
  Metadata() = default;
  // Throws Error{bad_input} where a key occurs twice.
  Metadata(std::string file_name, std::vector<Value> values);

  std::span<const Value> values() const noexcept { return values_; }  // in file order
  const Value* find_value(std::string_view key) const noexcept;       // null: absent
  bool has(std::string_view key) const noexcept { return find_value(key) != nullptr; }

  template <class T>
  std::optional<T> find(std::string_view key) const;
  template <class T>
  T get(std::string_view key) const;  // absent: Error{bad_input}

  // Arrays. Numbers are copied because the file does not align them; strings are views.
  template <class T>
  std::optional<std::vector<T>> find_array(std::string_view key) const;
  template <class T>
  std::vector<T> get_array(std::string_view key) const;

 private:
  std::string file_name_;
  std::vector<Value> values_;
  std::vector<uint32_t> by_key_;  // indices into values_, sorted by key
};

}  // namespace wattle::gguf
