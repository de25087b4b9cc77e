// SPDX-License-Identifier: Apache-2.0
// GGUF model files, versions 2 and 3, single or split into `-00001-of-0000N` shards. Opening maps
// and checks everything: what is in view afterwards lies inside the file. Nothing is copied.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "gguf/metadata.h"
#include "gguf/parse.h"
#include "tensor/view.h"

namespace wattle::gguf {

// Immutable, safe to read from any thread. All views live as long as the File, also if it is moved.
class File {
 public:
  // Any shard of a split model opens all of them. Throws Error{io, bad_input, unsupported} naming
  // file, key or tensor, found and expected.
  explicit File(const std::filesystem::path& path);

  // One file that lies in memory, 8-aligned; borrows `bytes`. `name` is for messages.
  File(std::span<const std::byte> bytes, std::string name);

  // The keys; of a split model those of its first shard.
  const Metadata& metadata() const noexcept { return metadata_; }

  // All tensors of all shards, in file order, also those of types this build cannot read.
  std::span<const TensorInfo> tensors() const noexcept { return tensors_; }

  // Nothing where there is no such tensor; Error{unsupported} where its type cannot be read.
  std::optional<TensorView> find(std::string_view name) const;
  // Error{bad_input} where there is no such tensor.
  TensorView get(std::string_view name) const;
  TensorView view(const TensorInfo& tensor) const;

  const std::string& name() const noexcept { return name_; }  // of the first shard, for messages
  uint32_t version() const noexcept { return version_; }
  size_t n_shards() const noexcept { return n_shards_; }
  uint64_t size_bytes() const noexcept { return size_bytes_; }  // all shards
  // The mapped shards; none where the file lies in memory.
  std::span<const MappedFile> mappings() const noexcept { return mappings_; }

 private:
  void add(ParsedFile parsed, size_t size_bytes);
  void index_tensors();

  std::vector<MappedFile> mappings_;
  std::string name_;
  uint32_t version_ = 0;
  size_t n_shards_ = 0;
  uint64_t size_bytes_ = 0;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::vector<uint32_t> by_name_;  // indices into tensors_, sorted by name
};

}  // namespace wattle::gguf
