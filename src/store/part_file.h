// SPDX-License-Identifier: Apache-2.0
// A file on its way into a folder of models: written at its end, locked, and given its name when it
// is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/piece_writer.h"
#include "store/sha256.h"

namespace wattle::store {

// `.NAME.0123456789abcdef.part` beside the target (see models.h). What an earlier process wrote is
// kept and gone on with; killing the process at any moment leaves a beginning of the content, some
// megabytes short of what was written, so that nothing has to be undone. While an object lives it
// holds a lock: a second process waits for its turn.
class PartFile {
 public:
  // content_id: what tells this content from any other that might come under the name. Waits while
  // another process has it; `on_wait` is called several times a second then, and may throw to end
  // that. Throws Error{io}.
  PartFile(const std::filesystem::path& target, std::string_view content_id,
           const std::function<void()>& on_wait);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  uint64_t size_bytes() const noexcept { return size_bytes_; }

  // Reads what is there, for the checksum: once, before anything is written. `on_read` gets the
  // bytes read so far.
  void read_again(const std::function<void(uint64_t)>& on_read);

  // In large pieces, but for the first one, which is written as it comes: small files are kept from
  // the first byte on. What waits is written at the end, also where that is an exception.
  void write(std::span<const std::byte> bytes);
  void truncate();  // to nothing

  // Of what was read and written.
  std::string sha256() { return hash_.finish(); }
  // The first bytes, at most n.
  std::string beginning(size_t n);

  void commit();           // gives it its name; last
  void remove() noexcept;  // takes it away; last

 private:
  void open_and_lock(const std::function<void()>& on_wait);
  void write_out(std::span<const std::byte> bytes);
  void flush();

  std::filesystem::path target_;
  std::filesystem::path path_;
  int fd_ = -1;
  uint64_t size_bytes_ = 0;     // with what waits in pieces_
  uint64_t written_bytes_ = 0;  // of the file
  PieceWriter pieces_;
  Sha256 hash_;
};

}  // namespace wattle::store
