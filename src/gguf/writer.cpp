// SPDX-License-Identifier: Apache-2.0
#include "gguf/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/atomic_file.h"
#include "wattle/error.h"

namespace wattle::gguf {
namespace {

constexpr uint64_t kAlignment = 32;  // the default, so no key is needed

uint64_t padded(uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

using Bytes = std::vector<std::byte>;

template <class T>
constexpr ValueType value_type_of() {
  if constexpr (std::is_same_v<T, bool>) return ValueType::boolean;
  if constexpr (std::is_same_v<T, uint8_t>) return ValueType::u8;
  if constexpr (std::is_same_v<T, int8_t>) return ValueType::i8;
  if constexpr (std::is_same_v<T, uint16_t>) return ValueType::u16;
  if constexpr (std::is_same_v<T, int16_t>) return ValueType::i16;
  if constexpr (std::is_same_v<T, uint32_t>) return ValueType::u32;
  if constexpr (std::is_same_v<T, int32_t>) return ValueType::i32;
  if constexpr (std::is_same_v<T, uint64_t>) return ValueType::u64;
  if constexpr (std::is_same_v<T, int64_t>) return ValueType::i64;
  if constexpr (std::is_same_v<T, float>) return ValueType::f32;
  if constexpr (std::is_same_v<T, double>) return ValueType::f64;
  if constexpr (std::is_same_v<T, std::string_view>) return ValueType::string;
}

void append_bytes(Bytes& out, const void* bytes, size_t size) {
  const size_t at = out.size();
  out.resize(at + size);
  if (size != 0) std::memcpy(out.data() + at, bytes, size);
}

template <class T>
void append(Bytes& out, const T& value) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    append(out, static_cast<uint64_t>(value.size()));
    append_bytes(out, value.data(), value.size());
  } else {
    append_bytes(out, &value, sizeof value);
  }
}

[[noreturn]] void throw_usage(std::string_view kind, std::string_view name,
                              const std::string& problem) {
  throw Error(ErrorCode::usage, fmt::format("{} '{}': {}", kind, name, problem));
}

uint64_t checked_size(std::string_view name, DType type, std::span<const uint64_t> shape) {
  if (shape.empty() || shape.size() > 4) {
    throw_usage("tensor", name, fmt::format("{} dimensions, expected 1 to 4", shape.size()));
  }
  const DTypeInfo& info = dtype_info(type);
  if (shape.back() % info.block_elems != 0) {
    throw_usage("tensor", name,
                fmt::format("rows of {} elements, {} needs a multiple of {}", shape.back(),
                            info.name, info.block_elems));
  }
  uint64_t size = info.block_bytes;
  for (size_t i = 0; i < shape.size(); ++i) {
    const uint64_t n = i + 1 == shape.size() ? shape[i] / info.block_elems : shape[i];
    if (n == 0 || size > std::numeric_limits<int64_t>::max() / n) {
      throw_usage("tensor", name, "a dimension of 0, or more bytes than fit 63 bits");
    }
    size *= n;
  }
  return size;
}

}  // namespace

template <class T>
void Writer::set(std::string_view key, std::type_identity_t<T> value) {
  Bytes bytes;
  append(bytes, value_type_of<T>());
  append(bytes, value);
  add_key(key, std::move(bytes));
}

template <class T>
void Writer::set_array(std::string_view key, std::span<const std::type_identity_t<T>> values) {
  Bytes bytes;
  append(bytes, ValueType::array);
  append(bytes, value_type_of<T>());
  append(bytes, static_cast<uint64_t>(values.size()));
  for (const T& value : values) append(bytes, value);
  add_key(key, std::move(bytes));
}

#define WATTLE_INSTANTIATE(T)                        \
  template void Writer::set<T>(std::string_view, T); \
  template void Writer::set_array<T>(std::string_view, std::span<const T>);
WATTLE_INSTANTIATE(bool)
WATTLE_INSTANTIATE(uint8_t)
WATTLE_INSTANTIATE(int8_t)
WATTLE_INSTANTIATE(uint16_t)
WATTLE_INSTANTIATE(int16_t)
WATTLE_INSTANTIATE(uint32_t)
WATTLE_INSTANTIATE(int32_t)
WATTLE_INSTANTIATE(uint64_t)
WATTLE_INSTANTIATE(int64_t)
WATTLE_INSTANTIATE(float)
WATTLE_INSTANTIATE(double)
WATTLE_INSTANTIATE(std::string_view)
#undef WATTLE_INSTANTIATE

void Writer::add_key(std::string_view key, std::vector<std::byte> value) {
  if (key.empty()) throw_usage("key", key, "empty");
  for (const Key& known : keys_) {
    if (known.name == key) throw_usage("key", key, "set twice");
  }
  keys_.push_back({std::string(key), std::move(value)});
}

void Writer::add_tensor(std::string_view name, DType type, std::span<const uint64_t> shape,
                        DataSource data) {
  if (name.empty() || name.size() > 64) {
    throw_usage("tensor", name, fmt::format("a name of {} bytes, expected 1 to 64", name.size()));
  }
  for (const Tensor& known : tensors_) {
    if (known.name == name) throw_usage("tensor", name, "added twice");
  }
  tensors_.push_back({.name = std::string(name),
                      .type = type,
                      .shape = {shape.begin(), shape.end()},
                      .size_bytes = checked_size(name, type, shape),
                      .data = std::move(data)});
}

void Writer::add_tensor(std::string_view name, DType type, std::span<const uint64_t> shape,
                        std::span<const std::byte> data) {
  add_tensor(name, type, shape, [data](const Sink& sink) { sink(data); });
}

std::vector<std::byte> Writer::header() const {
  Bytes out;
  append_bytes(out, "GGUF", 4);
  append(out, uint32_t{3});
  append(out, static_cast<uint64_t>(tensors_.size()));
  append(out, static_cast<uint64_t>(keys_.size()));
  for (const Key& key : keys_) {
    append(out, std::string_view(key.name));
    out.insert(out.end(), key.value.begin(), key.value.end());
  }
  uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    append(out, std::string_view(tensor.name));
    append(out, static_cast<uint32_t>(tensor.shape.size()));
    for (size_t i = tensor.shape.size(); i-- > 0;) append(out, tensor.shape[i]);
    append(out, tensor.type);
    append(out, offset);
    offset += padded(tensor.size_bytes);
  }
  out.resize(padded(out.size()));
  return out;
}

void Writer::emit(const Sink& sink) const {
  sink(header());
  for (const Tensor& tensor : tensors_) {
    uint64_t written = 0;
    tensor.data([&](std::span<const std::byte> bytes) {
      written += bytes.size();
      sink(bytes);
    });
    if (written != tensor.size_bytes) {
      throw_usage("tensor", tensor.name,
                  fmt::format("{} bytes of data, expected {}", written, tensor.size_bytes));
    }
    const std::byte zeros[kAlignment] = {};
    sink(std::span(zeros).first(padded(written) - written));
  }
}

void Writer::write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  emit([&](std::span<const std::byte> bytes) { file.write(bytes); });
  file.commit();
}

void Writer::write_sparse(const std::filesystem::path& path) const {
  AtomicFile file(path);
  file.write(header());
  for (const Tensor& tensor : tensors_) file.extend(padded(tensor.size_bytes));
  file.commit();
}

std::vector<std::byte> Writer::to_bytes() const {
  Bytes out;
  emit(
      [&](std::span<const std::byte> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); });
  return out;
}

}  // namespace wattle::gguf
