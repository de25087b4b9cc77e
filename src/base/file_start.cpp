// SPDX-License-Identifier: Apache-2.0
#include "base/file_start.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace wattle {

std::string read_file_start(const std::filesystem::path& path, size_t limit_bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string bytes;
  struct stat info{};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    std::array<char, 4096> chunk;
    // Files of /proc and /sys give less than asked for, and some fail in between.
    while (bytes.size() < limit_bytes) {
      const ssize_t n =
          ::read(fd, chunk.data(), std::min(chunk.size(), limit_bytes - bytes.size()));
      if (n <= 0) break;
      bytes.append(chunk.data(), static_cast<size_t>(n));
    }
  }
  ::close(fd);
  return bytes;
}

}  // namespace wattle
