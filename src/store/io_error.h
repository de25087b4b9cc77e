// SPDX-License-Identifier: Apache-2.0
// What the system said about a file, as an Error.
#pragma once

#include <filesystem>

namespace wattle::store {

// Throws Error{io}: "PATH: cannot DOING: REASON", with the next step where the reason has one.
[[noreturn]] void throw_io(const std::filesystem::path& path, const char* doing, int error_number);

}  // namespace wattle::store
