// SPDX-License-Identifier: Apache-2.0
// A read-only memory mapping of a whole file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace wattle {

// Move-only owner of the mapping; bytes() stays valid as long as the object that holds the mapping.
// Throws Error{io} naming the path and the reason of the system; an empty file or a directory is
// Error{bad_input}. Reads of a file that another process truncates afterwards raise SIGBUS, as for
// any mapping.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const noexcept { return {data_, size_bytes_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_bytes_ = 0;
};

}  // namespace wattle
