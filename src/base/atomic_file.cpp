// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "wattle/error.h"

namespace wattle {
namespace {

[[noreturn]] void throw_io(const std::filesystem::path& path, const char* doing, int err) {
  throw Error(ErrorCode::io,
              fmt::format("{}: cannot {}: {}", path.string(), doing, std::strerror(err)),
              err == ENOSPC ? "make room on the disk; nothing was left behind" : "");
}

// Unique among the processes and threads of this machine; hidden, so that a folder listing of
// models never shows half a file.
std::filesystem::path temporary_name(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter{0};
  return target.parent_path() /
         fmt::format(".{}.{}-{}.part", target.filename().string(), ::getpid(), counter++);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path target)
    : target_(std::move(target)), temporary_(temporary_name(target_)) {
  std::error_code error;
  const auto status = std::filesystem::status(target_, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw Error(ErrorCode::io, fmt::format("{}: not a regular file", target_.string()),
                "name a file that may be replaced");
  }
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0) throw_io(target_, "create", errno);
}

AtomicFile::~AtomicFile() { remove_temporary(); }

void AtomicFile::remove_temporary() noexcept {
  if (fd_ < 0) return;
  ::close(std::exchange(fd_, -1));
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  pieces_.write(bytes, [this](std::span<const std::byte> piece) { write_out(piece); });
}

void AtomicFile::flush() {
  pieces_.flush([this](std::span<const std::byte> piece) { write_out(piece); });
}

void AtomicFile::write_out(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_io(target_, "write", errno);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

void AtomicFile::extend(uint64_t n_bytes) {
  flush();
  const off_t end = ::lseek(fd_, static_cast<off_t>(n_bytes), SEEK_CUR);
  if (end < 0 || ::ftruncate(fd_, end) != 0) throw_io(target_, "write", errno);
  pieces_ = PieceWriter(static_cast<uint64_t>(end));
}

void AtomicFile::commit() {
  flush();
  // Disks that are full only at the end report it here.
  if (::fsync(fd_) != 0 && errno != EINVAL) throw_io(target_, "write", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw_io(target_, "rename to", errno);
  ::close(std::exchange(fd_, -1));
}

}  // namespace wattle
