// SPDX-License-Identifier: Apache-2.0
#include "store/io_error.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "wattle/error.h"

namespace wattle::store {
namespace {

const char* next_step(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT: return "make room on the disk and run the same again: what is there is kept";
    case EFBIG: return "files may not be that large here; see `ulimit -f`, or use another disk";
    case EROFS:
    case EACCES:
    case EPERM: return "set WATTLE_MODELS to a folder that you may write to";
    default: return "";
  }
}

}  // namespace

void throw_io(const std::filesystem::path& path, const char* doing, int error_number) {
  throw Error(ErrorCode::io,
              fmt::format("{}: cannot {}: {}", path.string(), doing, std::strerror(error_number)),
              next_step(error_number));
}

}  // namespace wattle::store
