// SPDX-License-Identifier: Apache-2.0
// A file that appears under its name complete or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "base/piece_writer.h"

namespace wattle {

// Writes to a temporary file beside `target` and renames it in commit(). Without a commit, such as
// when an exception passes, the temporary file is removed and `target` stays what it was.
// Throws Error{io} naming the path and the reason of the system (a full disk among them).
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Written in large pieces: an error may show only in a later call.
  void write(std::span<const std::byte> bytes);
  // The file goes on with so many zeros. They take no room where the disk can have holes.
  void extend(uint64_t n_bytes);
  void commit();  // call it once, last

 private:
  void write_out(std::span<const std::byte> bytes);
  void flush();
  void remove_temporary() noexcept;

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int fd_ = -1;
  PieceWriter pieces_;
};

}  // namespace wattle
