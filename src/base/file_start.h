// SPDX-License-Identifier: Apache-2.0
// Small files that somebody else writes, as those of /proc and /sys.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace wattle {

// At most `limit_bytes` from the start of a regular file. Empty where it cannot be read or is
// anything else: opening a pipe would wait for a writer.
std::string read_file_start(const std::filesystem::path& path, size_t limit_bytes);

}  // namespace wattle
