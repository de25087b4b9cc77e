// SPDX-License-Identifier: Apache-2.0
// Prompts, templates and lists of ids from files.
#pragma once

#include <cstddef>
#include <string>

namespace wattle::cli {

// The bytes of a file; "-" is stdin. Throws Error{io} where it cannot be read, Error{bad_input}
// where it has more than limit_bytes.
std::string read_text_file(const std::string& path, size_t limit_bytes);

}  // namespace wattle::cli
