// SPDX-License-Identifier: Apache-2.0
#include "gguf/metadata.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "gguf/name_index.h"
#include "wattle/error.h"

namespace wattle::gguf {
namespace {

template <class T>
T load(const std::byte* bytes) noexcept {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <class T>
constexpr std::string_view wanted() {
  if constexpr (std::is_same_v<T, bool>) return "bool";
  if constexpr (std::is_same_v<T, std::string_view>) return "string";
  if constexpr (std::is_floating_point_v<T>) return "a number";
  if constexpr (std::is_same_v<T, int32_t>) return "an integer that fits i32";
  if constexpr (std::is_same_v<T, uint32_t>) return "an integer that fits u32";
  if constexpr (std::is_same_v<T, int64_t>) return "an integer that fits i64";
  if constexpr (std::is_same_v<T, uint64_t>) return "an integer that fits u64";
}

std::string describe(const Value& value) {
  if (value.type != ValueType::array) return std::string(value_type_name(value.type));
  return fmt::format("array of {} {}", value.count, value_type_name(value.element));
}

// Calls use(integer) with the element at `bytes` in its own type; false where it is no integer.
template <class Use>
bool with_integer(ValueType type, const std::byte* bytes, const Use& use) {
  switch (type) {
    case ValueType::u8: use(load<uint8_t>(bytes)); return true;
    case ValueType::i8: use(load<int8_t>(bytes)); return true;
    case ValueType::u16: use(load<uint16_t>(bytes)); return true;
    case ValueType::i16: use(load<int16_t>(bytes)); return true;
    case ValueType::u32: use(load<uint32_t>(bytes)); return true;
    case ValueType::i32: use(load<int32_t>(bytes)); return true;
    case ValueType::u64: use(load<uint64_t>(bytes)); return true;
    case ValueType::i64: use(load<int64_t>(bytes)); return true;
    default: return false;
  }
}

// The fixed-size element at `bytes` as T, or nothing where it does not convert.
template <class T>
std::optional<T> convert(ValueType type, const std::byte* bytes) {
  std::optional<T> result;
  if constexpr (std::is_same_v<T, bool>) {
    if (type == ValueType::boolean) result = load<uint8_t>(bytes) != 0;
  } else if constexpr (std::is_floating_point_v<T>) {
    if (type == ValueType::f32) {
      result = static_cast<T>(load<float>(bytes));
    } else if (type == ValueType::f64) {
      result = static_cast<T>(load<double>(bytes));
    } else {
      with_integer(type, bytes, [&](auto integer) { result = static_cast<T>(integer); });
    }
  } else {
    with_integer(type, bytes, [&](auto integer) {
      if (std::in_range<T>(integer)) result = static_cast<T>(integer);
    });
  }
  return result;
}

std::string_view read_string(const std::byte*& at) noexcept {
  const auto length = load<uint64_t>(at);
  const std::string_view text(reinterpret_cast<const char*>(at + sizeof length), length);
  at += sizeof length + length;
  return text;
}

// "70000" for the message about an integer out of range.
std::string found_number(ValueType type, const std::byte* bytes) {
  std::string text;
  with_integer(type, bytes, [&](auto integer) { text = fmt::format(" {}", integer); });
  return text;
}

[[noreturn]] void throw_mismatch(const std::string& file, const Value& value,
                                 const std::string& found, std::string_view expected) {
  throw Error(ErrorCode::bad_input,
              fmt::format("{}: key '{}': found {}, expected {}", file, value.key, found, expected),
              "the file does not follow its architecture; fetch it again or convert it anew");
}

[[noreturn]] void throw_absent(const std::string& file, std::string_view key) {
  throw Error(ErrorCode::bad_input, fmt::format("{}: key '{}' is missing", file, key),
              "`wattle show` lists what the file holds");
}

}  // namespace

Metadata::Metadata(std::string file_name, std::vector<Value> values)
    : file_name_(std::move(file_name)), values_(std::move(values)) {
  const auto name_of = [this](uint32_t i) { return values_[i].key; };
  by_key_ = sorted_by_name(values_.size(), name_of);
  if (const auto twice = first_duplicate(by_key_, name_of)) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: key '{}' occurs twice", file_name_, values_[*twice].key),
                "the file is damaged; fetch it again");
  }
}

const Value* Metadata::find_value(std::string_view key) const noexcept {
  const auto i = find_name(by_key_, key, [this](uint32_t at) { return values_[at].key; });
  return i ? &values_[*i] : nullptr;
}

template <class T>
std::optional<T> Metadata::find(std::string_view key) const {
  const Value* value = find_value(key);
  if (value == nullptr) return std::nullopt;
  if constexpr (std::is_same_v<T, std::string_view>) {
    if (value->type == ValueType::string) {
      const std::byte* at = value->bytes.data();
      return read_string(at);
    }
  } else if (value->type != ValueType::array && value->type != ValueType::string) {
    if (const auto converted = convert<T>(value->type, value->bytes.data())) return converted;
    throw_mismatch(file_name_, *value,
                   describe(*value) + found_number(value->type, value->bytes.data()), wanted<T>());
  }
  throw_mismatch(file_name_, *value, describe(*value), wanted<T>());
}

template <class T>
T Metadata::get(std::string_view key) const {
  const auto value = find<T>(key);
  if (!value) throw_absent(file_name_, key);
  return *value;
}

template <class T>
std::optional<std::vector<T>> Metadata::find_array(std::string_view key) const {
  const Value* value = find_value(key);
  if (value == nullptr) return std::nullopt;
  const auto expected = [] { return fmt::format("an array of {}", wanted<T>()); };
  if (value->type != ValueType::array) {
    throw_mismatch(file_name_, *value, describe(*value), expected());
  }
  std::vector<T> out;
  const std::byte* at = value->bytes.data();
  if constexpr (std::is_same_v<T, std::string_view>) {
    if (value->element != ValueType::string) {
      throw_mismatch(file_name_, *value, describe(*value), expected());
    }
    out.reserve(value->count);
    for (uint64_t i = 0; i < value->count; ++i) out.push_back(read_string(at));
  } else {
    const size_t size = value_type_size(value->element);
    if (size == 0) throw_mismatch(file_name_, *value, describe(*value), expected());
    out.reserve(value->count);
    for (uint64_t i = 0; i < value->count; ++i, at += size) {
      const auto converted = convert<T>(value->element, at);
      if (!converted) {
        throw_mismatch(file_name_, *value,
                       fmt::format("{} with{} at index {}", describe(*value),
                                   found_number(value->element, at), i),
                       expected());
      }
      out.push_back(*converted);
    }
  }
  return out;
}

template <class T>
std::vector<T> Metadata::get_array(std::string_view key) const {
  auto values = find_array<T>(key);
  if (!values) throw_absent(file_name_, key);
  return std::move(*values);
}

#define WATTLE_INSTANTIATE(T)                                                             \
  template std::optional<T> Metadata::find<T>(std::string_view) const;                    \
  template T Metadata::get<T>(std::string_view) const;                                    \
  template std::optional<std::vector<T>> Metadata::find_array<T>(std::string_view) const; \
  template std::vector<T> Metadata::get_array<T>(std::string_view) const;
WATTLE_INSTANTIATE(bool)
WATTLE_INSTANTIATE(int32_t)
WATTLE_INSTANTIATE(uint32_t)
WATTLE_INSTANTIATE(int64_t)
WATTLE_INSTANTIATE(uint64_t)
WATTLE_INSTANTIATE(float)
WATTLE_INSTANTIATE(double)
WATTLE_INSTANTIATE(std::string_view)
#undef WATTLE_INSTANTIATE

}  // namespace wattle::gguf
