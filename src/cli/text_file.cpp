// SPDX-License-Identifier: Apache-2.0
#include "cli/text_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "wattle/error.h"

namespace wattle::cli {

std::string read_text_file(const std::string& path, size_t limit_bytes) {
  const bool is_stdin = path == "-";
  const std::string name = is_stdin ? "stdin" : path;
  const auto fail = [&](const char* doing) {
    throw Error(ErrorCode::io, fmt::format("{}: cannot {}: {}", name, doing, std::strerror(errno)),
                errno == ENOENT ? "check the path" : "");
  };
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> owned;
  if (!is_stdin) {
    owned.reset(std::fopen(path.c_str(), "rbe"));
    if (owned == nullptr) fail("open");
  }
  std::FILE* file = is_stdin ? stdin : owned.get();

  std::string text;
  char buffer[65536];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, file)) {
    if (n > limit_bytes - text.size()) {
      throw Error(ErrorCode::bad_input, fmt::format("{}: more than {} bytes", name, limit_bytes));
    }
    text.append(buffer, n);
  }
  if (std::ferror(file) != 0) fail("read");
  return text;
}

}  // namespace wattle::cli
