// SPDX-License-Identifier: Apache-2.0
#include "store/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "store/io_error.h"
#include "store/models.h"
#include "wattle/error.h"

namespace wattle::store {
namespace {

constexpr auto kWait = std::chrono::milliseconds(100);
constexpr size_t kReadBytes = size_t{1} << 20;

// Best effort: some file systems cannot sync a folder, and a rename that a power cut undoes leaves
// the part file, which is whole.
void sync_folder(const std::filesystem::path& folder) noexcept {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

PartFile::PartFile(const std::filesystem::path& target, std::string_view content_id,
                   const std::function<void()>& on_wait)
    : target_(target),
      path_(target.parent_path() / part_file_name(target.filename().string(), content_id)) {
  try {
    open_and_lock(on_wait);
  } catch (...) {
    if (fd_ >= 0) ::close(fd_);
    throw;
  }
}

PartFile::~PartFile() {
  if (fd_ < 0) return;
  try {
    flush();
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the next process fetches it again
  }
  ::close(fd_);  // and with it goes the lock
}

// The one who had the lock may have given the file its name, or removed it, so that what we locked
// then is no longer what the path names: open again.
void PartFile::open_and_lock(const std::function<void()>& on_wait) {
  for (;;) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd_ < 0) throw_io(path_, "create", errno);
    while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) throw_io(path_, "lock", errno);
      on_wait();
      std::this_thread::sleep_for(kWait);
    }
    struct stat ours{};
    struct stat named{};
    if (::fstat(fd_, &ours) != 0) throw_io(path_, "stat", errno);
    if (::stat(path_.c_str(), &named) == 0 && named.st_ino == ours.st_ino &&
        named.st_dev == ours.st_dev) {
      size_bytes_ = written_bytes_ = static_cast<uint64_t>(ours.st_size);
      pieces_ = PieceWriter(size_bytes_);
      return;
    }
    ::close(std::exchange(fd_, -1));
  }
}

void PartFile::read_again(const std::function<void(uint64_t)>& on_read) {
  std::vector<std::byte> buffer(kReadBytes);
  for (uint64_t at = 0; at < size_bytes_;) {
    const ssize_t n = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw_io(path_, "read", n < 0 ? errno : EIO);
    hash_.update(std::span(buffer).first(static_cast<size_t>(n)));
    at += static_cast<uint64_t>(n);
    on_read(at);
  }
}

void PartFile::write(std::span<const std::byte> bytes) {
  pieces_.write(bytes, [this](std::span<const std::byte> piece) { write_out(piece); });
  hash_.update(bytes);
  size_bytes_ += bytes.size();
  if (size_bytes_ < PieceWriter::kPieceBytes) flush();
}

void PartFile::flush() {
  pieces_.flush([this](std::span<const std::byte> piece) { write_out(piece); });
}

void PartFile::write_out(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(written_bytes_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_io(target_, "write", errno);
    written_bytes_ += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

void PartFile::truncate() {
  if (::ftruncate(fd_, 0) != 0) throw_io(path_, "truncate", errno);
  (void)hash_.finish();
  size_bytes_ = written_bytes_ = 0;
  pieces_ = PieceWriter();
}

std::string PartFile::beginning(size_t n) {
  flush();
  std::string text(n, '\0');
  const ssize_t got = ::pread(fd_, text.data(), n, 0);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

void PartFile::commit() {
  flush();
  if (::fsync(fd_) != 0 && errno != EINVAL) throw_io(target_, "write", errno);
  if (::rename(path_.c_str(), target_.c_str()) != 0) throw_io(target_, "rename to", errno);
  sync_folder(target_.parent_path());
}

void PartFile::remove() noexcept { ::unlink(path_.c_str()); }

}  // namespace wattle::store
