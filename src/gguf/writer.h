// SPDX-License-Identifier: Apache-2.0
// Writes GGUF files, version 3. Tensor data is streamed: only the header is built in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gguf/value.h"
#include "tensor/dtype.h"

namespace wattle::gguf {

// Collects keys and tensors, then writes them in the order they were added. Throws Error{usage} for
// what a reader would refuse (a name twice, a shape that does not fit the type).
class Writer {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;
  // Hands the data of one tensor to the sink, in pieces of any size. May be called more than once.
  using DataSource = std::function<void(const Sink&)>;

  // T is one of bool, the integers of 8 to 64 bits, float, double, std::string_view; it has to be
  // named, because the type is part of the file: set<uint32_t>("llama.block_count", 30).
  template <class T>
  void set(std::string_view key, std::type_identity_t<T> value);
  template <class T>
  void set_array(std::string_view key, std::span<const std::type_identity_t<T>> values);

  // shape: outermost first, 1 to 4 dimensions.
  void add_tensor(std::string_view name, DType type, std::span<const uint64_t> shape,
                  DataSource data);
  // Borrows the data until the file is written.
  void add_tensor(std::string_view name, DType type, std::span<const uint64_t> shape,
                  std::span<const std::byte> data);

  // The file appears complete or not at all; Error{io} otherwise.
  void write(const std::filesystem::path& path) const;
  // The same with zeros for all data, which take no room where the disk can have holes.
  void write_sparse(const std::filesystem::path& path) const;
  std::vector<std::byte> to_bytes() const;

 private:
  struct Key {
    std::string name;
    std::vector<std::byte> value;  // type and payload as in the file
  };
  struct Tensor {
    std::string name;
    DType type;
    std::vector<uint64_t> shape;
    uint64_t size_bytes;
    DataSource data;
  };

  void add_key(std::string_view key, std::vector<std::byte> value);
  std::vector<std::byte> header() const;
  void emit(const Sink& sink) const;

  std::vector<Key> keys_;
  std::vector<Tensor> tensors_;
};

}  // namespace wattle::gguf
