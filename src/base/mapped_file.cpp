// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "wattle/error.h"

namespace wattle {
namespace {

struct Fd {
  int value;
  ~Fd() {
    if (value >= 0) ::close(value);
  }
};

[[noreturn]] void throw_io(const std::filesystem::path& path, const char* doing, int err) {
  const char* hint = "";
  if (err == ENOENT) hint = "check the path";
  if (err == ENOMEM) hint = "the process may not have so much address space (ulimit -v)";
  throw Error(err == ENOMEM ? ErrorCode::out_of_memory : ErrorCode::io,
              fmt::format("{}: cannot {}: {}", path.string(), doing, std::strerror(err)), hint);
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (fd.value < 0) throw_io(path, "open", errno);
  struct stat info{};
  if (::fstat(fd.value, &info) != 0) throw_io(path, "stat", errno);
  if (!S_ISREG(info.st_mode)) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: not a regular file", path.string()));
  }
  if (info.st_size == 0)
    throw Error(ErrorCode::bad_input, fmt::format("{}: the file is empty", path.string()));
  size_bytes_ = static_cast<size_t>(info.st_size);
  void* data = ::mmap(nullptr, size_bytes_, PROT_READ, MAP_SHARED, fd.value, 0);
  if (data == MAP_FAILED) throw_io(path, "map", errno);
  data_ = static_cast<const std::byte*>(data);
  // A wish: what is read from the disk from now on comes in huge pages, where kernel and file
  // system have such for files.
  static_cast<void>(::madvise(data, size_bytes_, MADV_HUGEPAGE));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_bytes_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

}  // namespace wattle
